# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the face landmarker over a video or a picture. Engine process only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from .appearance import face_chip
from .face_track import CHECK_STRIDE, FaceTrack
from .landmarker import open_tracker
from .video import VideoFrame, read_frames

Progress = Callable[[float], None]

# mean absolute change of a 16 x 16 grey thumbnail (0..255) that no head movement reaches
CUT_THRESHOLD = 28.0


def track_face(
    path: Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    progress: Progress = lambda fraction: None,
    quarter_turns: int = 0,
) -> FaceTrack:
    """Track the most prominent face of a video. Raises :class:`MediaError` when there is no frame to read.

    quarter_turns: counter-clockwise, before anything is looked at (see :mod:`core.tracking.upright`).
    """
    tracker = open_tracker()
    seconds: list[float] = []
    points: list[NDArray[np.float32]] = []
    chips: list[NDArray[np.uint8]] = []
    boxes: list[NDArray[np.float32]] = []
    cuts: list[int] = []
    thumbnail: NDArray[np.float32] | None = None
    shape = (0, 0)
    span = _expected_seconds(path, start_seconds, end_seconds)
    landmarker = tracker.for_video()
    finder = tracker.finder()
    try:
        for index, frame in enumerate(turned_frames(path, start_seconds, end_seconds, quarter_turns)):
            shape = (frame.rgb.shape[0], frame.rgb.shape[1])
            previous, thumbnail = thumbnail, _thumbnail(frame)
            if previous is not None and np.abs(previous - thumbnail).mean() > CUT_THRESHOLD:
                cuts.append(index)
                landmarker.close()
                landmarker = tracker.for_video()
            points.append(landmarker.landmarks(frame.rgb, frame.seconds))
            chips.append(face_chip(frame.rgb, points[-1]))
            seconds.append(frame.seconds)
            if index % CHECK_STRIDE == 0:
                boxes.append(finder.boxes(frame.rgb))
            progress(min((frame.seconds - start_seconds) / span, 1.0))
    finally:
        landmarker.close()
        finder.close()
    if not points:
        raise MediaError(f"The video {Path(path).name} has no frame in the chosen range.", "Check the strip's trim.")
    landmarks = np.stack(points)
    return FaceTrack(
        landmarks=landmarks,
        seconds=np.array(seconds),
        valid=np.isfinite(landmarks[:, 0, 0]),
        faces_seen=np.array([len(found) for found in boxes], np.int32),
        cuts=np.array(cuts, np.int64),
        frame_width=shape[1],
        frame_height=shape[0],
        source=str(path),
        chips=np.stack(chips),
        boxes=tuple(boxes),
    )


def turned_frames(
    path: Path, start_seconds: float, end_seconds: float | None, quarter_turns: int
) -> Iterator[VideoFrame]:
    for frame in read_frames(path, start_seconds, end_seconds):
        turned = np.ascontiguousarray(np.rot90(frame.rgb, quarter_turns)) if quarter_turns else frame.rgb
        yield VideoFrame(turned, frame.seconds)


def track_image(rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """(478, 3) landmarks in pixels of the face in a still picture, or None where there is none."""
    landmarker = open_tracker().for_picture()
    try:
        points = landmarker.landmarks(rgb, 0.0)
    finally:
        landmarker.close()
    return points if np.isfinite(points[0, 0]) else None


def _thumbnail(frame: VideoFrame) -> NDArray[np.float32]:
    height, width = frame.rgb.shape[:2]
    rows = np.linspace(0, height, 17).astype(int)
    columns = np.linspace(0, width, 17).astype(int)
    grey = frame.rgb[::4, ::4].mean(axis=2, dtype=np.float32)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1] // 4, axis=0), columns[:-1] // 4, axis=1)
    return sums / (grey.size / 256)


def _expected_seconds(path: Path, start_seconds: float, end_seconds: float | None) -> float:
    from ..audio.media import open_media

    if end_seconds is not None:
        return max(end_seconds - start_seconds, 1e-3)
    with open_media(path) as container:
        duration = (container.duration or 0) / 1_000_000
    return max(duration - start_seconds, 1e-3)
