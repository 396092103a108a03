# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a long recording is worth tracking: a few pictures of it are looked at, not all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from .align import align
from .landmarker import LandmarkerMaker
from .seconds import MAX_YAW_DEGREES, MIN_FACE_PIXELS, face_widths
from .video import pictures_near, video_info

# recordings up to this length are tracked whole
TRACKED_WHOLE_SECONDS = 60.0
# of longer ones this much is tracked; a style needs ten seconds of it
STRETCH_SECONDS = 30.0
MAX_PROBES = 90


@dataclass(frozen=True, slots=True)
class Survey:
    """The stretch to track, in seconds of the file, and the sentence that tells of the choice."""

    start_seconds: float
    end_seconds: float | None
    note: str = ""


def survey(
    tracker: LandmarkerMaker,
    path: Path,
    start_seconds: float,
    end_seconds: float | None,
    progress: Callable[[float], None],
) -> Survey:
    """The whole range where it is short, else the 30 s of it in which one face is seen large and frontal.

    Memory does not depend on the recording's length. Raises :class:`MediaError`.
    """
    length = video_info(path).seconds
    end = length if end_seconds is None else end_seconds
    if end is None or end - start_seconds <= TRACKED_WHOLE_SECONDS:
        return Survey(start_seconds, end_seconds)
    count = min(MAX_PROBES, int((end - start_seconds) / (STRETCH_SECONDS / 6)))
    moments = np.linspace(start_seconds, end - 1.0, max(count, 2))
    scores = _scores(tracker, path, moments, progress)
    spacing = float(moments[1] - moments[0])
    window = max(round(STRETCH_SECONDS / spacing), 1)
    sums = np.convolve(scores, np.ones(window), "valid")
    begin = float(moments[int(sums.argmax())])
    stop = min(begin + STRETCH_SECONDS, end)
    note = (
        f"Of {end - start_seconds:.0f} s, {begin:.0f} to {stop:.0f} s are used: the face is best seen there "
        f"({int((scores > 0).sum())} of {len(scores)} pictures looked at show one)."
    )
    return Survey(begin, stop, note)


def _scores(
    tracker: LandmarkerMaker, path: Path, moments: NDArray[np.float64], progress: Callable[[float], None]
) -> NDArray[np.float64]:
    """(K,) 0 where no usable face is seen, else up to 1."""
    landmarker = tracker.for_picture()
    scores = np.zeros(len(moments))
    try:
        spacing = float(moments[1] - moments[0])
        reached = 0
        for frame in pictures_near(path, moments.tolist(), spacing / 2):
            progress(reached / len(moments))
            if frame is None:
                continue
            reached = int(np.abs(moments - frame.seconds).argmin())
            points = landmarker.landmarks(frame.rgb, frame.seconds)
            if np.isfinite(points[0, 0]):
                scores[reached] = _score(points)
    finally:
        landmarker.close()
    return scores


def _score(points: NDArray[np.float32]) -> float:
    width = float(face_widths(points[None])[0])
    forward = align(points[None], open_basis().neutral).rotation[0, :, 2]
    yaw = abs(float(np.degrees(np.arctan2(forward[0], forward[2]))))
    if width < MIN_FACE_PIXELS or yaw > MAX_YAW_DEGREES:
        return 0.0
    return min(width / (3 * MIN_FACE_PIXELS), 1.0) * (1.0 - yaw / MAX_YAW_DEGREES)
