# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation for the eye: a clip beside the head generated from its sound, and the tracked landmarks drawn on it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.decode import load_speech
from core.errors import MediaError
from core.face.landmarks import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, FACE_OVAL, IRIS_LEFT, IRIS_RIGHT, LIPS
from core.face.motion import INTERNAL_FPS, Motion
from core.tracking.face_track import FaceTrack
from core.tracking.video import read_frames

Picture = NDArray[np.uint8]
COMMANDS = ("side-by-side", "overlay")
OVERLAY_PICTURES = 6
OVERLAY_PIXELS = 640
# side of the picture's part that is shown, in heights of the face
_CROP_FACES = 2.0
_GAP_PIXELS = 6
_SHUTTER_SECONDS = 1e-3
_OVERLAY_COLOURS = (
    (LIPS, (255, 70, 70)),
    (np.concatenate([EYE_LEFT, EYE_RIGHT]), (70, 220, 255)),
    (np.concatenate([BROW_LEFT, BROW_RIGHT]), (255, 210, 60)),
    (np.concatenate([IRIS_LEFT, IRIS_RIGHT]), (120, 255, 120)),
    (FACE_OVAL, (235, 235, 235)),
)


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """A square part of a picture, in pixels; what lies outside the picture is black."""

    left: int
    top: int
    side: int

    def of(self, picture: Picture) -> Picture:
        """Cut it out."""
        cut = np.zeros((self.side, self.side, 3), np.uint8)
        height, width = picture.shape[:2]
        first_row, first_column = max(self.top, 0), max(self.left, 0)
        part = picture[first_row : min(self.top + self.side, height), first_column : min(self.left + self.side, width)]
        rows, columns = first_row - self.top, first_column - self.left
        cut[rows : rows + part.shape[0], columns : columns + part.shape[1]] = part
        return cut

    def points(self, landmarks: NDArray[np.floating], pixels: int) -> NDArray[np.float64]:
        """Landmarks in the cut-out picture enlarged to ``pixels``."""
        corner = np.array([self.left, self.top, 0.0])
        return (np.asarray(landmarks, np.float64) - corner) * pixels / self.side


def face_crop(track: FaceTrack) -> FaceCrop:
    """One square for the whole clip round where the face mostly is."""
    if not track.valid.any():
        raise MediaError(f"No face was found in {Path(track.source).name}.", "Choose a clip that shows a face.")
    points = track.landmarks[track.valid][:, :, :2]
    centre = np.median((points.min(axis=1) + points.max(axis=1)) / 2, axis=0)
    side = round(float(np.median(np.ptp(points[..., 1], axis=1))) * _CROP_FACES)
    return FaceCrop(round(float(centre[0]) - side / 2), round(float(centre[1]) - side / 2), side)


def main(argv: Sequence[str]) -> int:
    """Run one of ``COMMANDS``."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="an mp4, or for overlay a folder")
    parser.add_argument("--seconds", type=float, default=10.0, help="how much of the clip is shown")
    parser.add_argument("--pixels", type=int, default=512, help="height of the film")
    parser.add_argument("--no-reference", action="store_true", help="the sound alone, without the clip's own style")
    arguments = parser.parse_args(argv)
    if arguments.command == "overlay":
        written = write_overlays(arguments.clip, arguments.out)
    else:
        styled = not arguments.no_reference
        written = [write_side_by_side(arguments.clip, arguments.out, arguments.seconds, arguments.pixels, styled)]
    print("\n".join(f"Wrote {path}" for path in written))
    return 0


def write_side_by_side(clip: Path, out: Path, seconds: float, pixels: int, styled: bool) -> Path:
    """The clip's face on the left, the demo head speaking its sound on the right, with the sound. Needs bpy.

    The lips come from the sound alone; ``styled`` takes manner and head motion from the same clip.
    """
    from core.tracking.tracker import track_face
    from research.render.film import read_picture, read_sound, write_film, write_picture

    motion = _generated(clip, seconds, styled)
    with tempfile.TemporaryDirectory(prefix="mimesh-show-") as folder:
        heads = _render(motion, pixels, Path(folder) / "head")
        frames = shown_frames(clip, len(heads))
        crop = face_crop(track_face(clip, 0.0, seconds))
        pairs = []
        for index, (frame, head) in enumerate(zip(frames, heads, strict=True)):
            pairs.append(Path(folder) / f"pair_{index:05d}.png")
            write_picture(beside(crop.of(frame), read_picture(head)), pairs[-1])
        sound = read_sound(clip, 0.0, len(heads) / INTERNAL_FPS)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_film(pairs, round(INTERNAL_FPS), sound, out)
    return out


def write_overlays(clip: Path, folder: Path, pictures: int = OVERLAY_PICTURES) -> list[Path]:
    """Stills at equal distances with the tracked points drawn on them: lips red, lids blue, brows yellow."""
    from core.tracking.tracker import track_face
    from research.render.film import write_picture

    track = track_face(clip)
    crop = face_crop(track)
    known = np.flatnonzero(track.valid)
    chosen = known[np.linspace(0, len(known) - 1, min(pictures, len(known))).round().astype(int)]
    wanted = {round(float(track.seconds[i]), 3): int(i) for i in chosen}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for frame in read_frames(clip):
        index = wanted.get(round(frame.seconds, 3))
        if index is None:
            continue
        written.append(folder / f"overlay_{index:05d}.png")
        enlarged = resized(crop.of(frame.rgb), OVERLAY_PIXELS)
        write_picture(with_landmarks(enlarged, crop.points(track.landmarks[index], OVERLAY_PIXELS)), written[-1])
    return written


def with_landmarks(picture: Picture, landmarks: NDArray[np.floating]) -> Picture:
    """A copy of (H, W, 3) with (478, 3) pixel landmarks as dots, their size by that of the face."""
    drawn = picture.copy()
    height, width = picture.shape[:2]
    radius = int(np.ptp(landmarks[:, 0]) // 220)
    around = np.arange(-radius, radius + 1)
    for points, colour in _OVERLAY_COLOURS:
        x, y = landmarks[points, :2].round().astype(int).T
        for dx in around:
            for dy in around:
                drawn[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)] = colour
    return drawn


def shown_frames(clip: Path, count: int) -> list[Picture]:
    """The picture that is on the screen at each of ``count`` times, 25 a second; the last one is held."""
    frames: list[Picture] = []
    current: Picture | None = None
    for frame in read_frames(clip, 0.0, count / INTERNAL_FPS + 1.0):
        while (
            current is not None
            and len(frames) < count
            and len(frames) / INTERNAL_FPS < frame.seconds - _SHUTTER_SECONDS
        ):
            frames.append(current)
        current = frame.rgb
    if current is None:
        raise MediaError(f"The clip {clip.name} shows no picture.", "Choose a video.")
    return [*frames, *[current] * (count - len(frames))]


def beside(left: Picture, right: Picture) -> Picture:
    """Two pictures side by side at the right one's height, the width even (video codecs ask for it)."""
    scaled = resized(left, right.shape[0])
    gap = np.full((right.shape[0], _GAP_PIXELS, 3), 255, np.uint8)
    joined = np.concatenate([scaled, gap, right], axis=1)
    return joined[: joined.shape[0] // 2 * 2, : joined.shape[1] // 2 * 2]


def resized(picture: Picture, height: int) -> Picture:
    """Scaled to ``height`` by bilinear sampling."""
    scale = picture.shape[0] / height
    width = max(round(picture.shape[1] / scale), 2)
    rows = _positions(height, picture.shape[0])
    columns = _positions(width, picture.shape[1])
    low_r, low_c = rows.astype(int), columns.astype(int)
    high_r, high_c = np.minimum(low_r + 1, picture.shape[0] - 1), np.minimum(low_c + 1, picture.shape[1] - 1)
    part_r, part_c = (rows - low_r)[:, None, None], (columns - low_c)[None, :, None]
    values = picture.astype(np.float32)
    top = values[low_r][:, low_c] * (1 - part_c) + values[low_r][:, high_c] * part_c
    bottom = values[high_r][:, low_c] * (1 - part_c) + values[high_r][:, high_c] * part_c
    return (top * (1 - part_r) + bottom * part_r + 0.5).astype(np.uint8)


def _positions(count: int, size: int) -> NDArray[np.float64]:
    return np.clip((np.arange(count) + 0.5) * size / count - 0.5, 0, size - 1)


def _generated(clip: Path, seconds: float, styled: bool) -> Motion:
    from core.engine.pipeline import generate_motion
    from core.exchange.media_range import MediaRange
    from core.exchange.request import MotionRequest
    from core.settings import RunSettings

    spoken = min(load_speech(clip).seconds, seconds)
    request = MotionRequest(
        audio=MediaRange(clip, 0.0, spoken),
        reference=MediaRange(clip) if styled else None,
        run=RunSettings(device="cpu"),
    )
    return generate_motion(request).motion


def _render(motion: Motion, pixels: int, folder: Path) -> list[Path]:
    from core.rig.timing import SceneTiming
    from research.render.evaluate import demo_head_in_fresh_scene, key_motion
    from research.render.preview import PreviewSettings, render_frames, set_stage

    fps = round(INTERNAL_FPS)
    obj = demo_head_in_fresh_scene(fps)
    key_motion(obj, motion, SceneTiming(fps, 1.0))
    scene = obj.users_scene[0]
    set_stage(scene, PreviewSettings(pixels=pixels, fps=fps))
    return render_frames(scene, 1, len(motion), folder)
