# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a clip with its landmarks: drawn where they are, of moments spread over the clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import MediaError
from core.face.landmarks import FACE_OVAL, LIPS
from core.tracking import overlay
from core.tracking.face_track import FaceTrack
from core.tracking.overlay import draw_landmarks, overlay_picture
from core.tracking.video import VideoFrame

FRAMES, SIZE = 40, 120
CENTRE = np.array([60.0, 60.0])


def points_at(centre: np.ndarray) -> np.ndarray:
    """Landmarks in rings about a point: the outline 40 pixels from it, lips 12, all others 25."""
    angle = np.arange(478) * 2.399
    radius = np.full(478, 25.0)
    radius[FACE_OVAL], radius[LIPS] = 40.0, 12.0
    flat = centre + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([flat, np.zeros((478, 1))], axis=1).astype(np.float32)


def clip(valid: np.ndarray) -> FaceTrack:
    """A face that goes from left to right."""
    landmarks = np.stack([points_at(CENTRE + np.array([frame, 0.0])) for frame in range(FRAMES)])
    landmarks[~valid] = np.nan
    nobody, cuts = np.ones(1, np.int32), np.zeros(0, np.int64)
    return FaceTrack(landmarks, 5.0 + np.arange(FRAMES) / 25.0, valid, nobody, cuts, SIZE, SIZE, "clip.mp4")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float | None]]:
    """Frames whose grey tells their number, in the place of a file."""
    asked: list[tuple[float, float | None]] = []

    def frames(path: Path, start: float, end: float | None, turns: int):  # type: ignore[no-untyped-def]
        asked.append((start, end))
        for frame in range(FRAMES):
            seconds = 5.0 + frame / 25.0
            if start <= seconds < (end or 99.0):
                yield VideoFrame(np.full((SIZE, 2 * SIZE, 3), 100 + frame, np.uint8), seconds)

    monkeypatch.setattr(overlay, "turned_frames", frames)
    monkeypatch.setattr(overlay, "open_tracker", lambda: None)
    monkeypatch.setattr(overlay, "quarter_turns", lambda *given: 0)
    return asked


def test_each_part_of_the_face_has_its_colour_where_its_landmarks_are() -> None:
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    points = points_at(CENTRE)
    drawn = draw_landmarks(picture, points)
    assert not picture.any()
    for rows, colour in ((LIPS, (255, 80, 70)), (FACE_OVAL, (90, 200, 250))):
        at = points[rows, :2].astype(int)
        assert (drawn[at[:, 1], at[:, 0]] == colour).all(axis=1).mean() > 0.9
    assert not drawn[60, 60].any()


def test_landmarks_outside_of_the_picture_do_no_harm() -> None:
    draw_landmarks(np.zeros((SIZE, SIZE, 3), np.uint8), points_at(np.array([0.0, 500.0])))


def test_moments_are_spread_over_the_frames_with_a_face_and_cut_out_around_it(
    decoded: list[tuple[float, float | None]],
) -> None:
    valid = np.ones(FRAMES, bool)
    valid[:10] = False
    whole = overlay_picture(clip(valid), 4, 100)
    assert whole.shape == (200, 200, 3)
    cells = [whole[y : y + 100, x : x + 100] for y in (0, 100) for x in (0, 100)]
    greys = [int(np.median(cell)) for cell in cells]
    assert greys == [110, 120, 129, 139] or greys == [110, 120, 130, 139]
    for cell in cells:
        # wherever the face is in the clip, its outline is about the cell's middle
        outline = np.argwhere((cell == (90, 200, 250)).all(axis=2))
        assert np.abs(outline.mean(axis=0) - 50).max() < 6
    assert decoded == [(pytest.approx(5.0 + 9.5 / 25.0), pytest.approx(5.0 + 40 / 25.0))]


def test_a_clip_without_a_face_is_one_sentence(decoded: list[tuple[float, float | None]]) -> None:
    with pytest.raises(MediaError, match=r"No face was found in clip\.mp4"):
        overlay_picture(clip(np.zeros(FRAMES, bool)))
