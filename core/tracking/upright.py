# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way up a video is: a landmarker finds a face in one that lies or stands on its head, and gets it wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from .align import align
from .landmarker import LandmarkerMaker
from .video import read_frames

# residual of the stable points, cm: an upright face stays below, one on its head is far above
_UPRIGHT_RESIDUAL_CM = 0.28
# another way up must fit this much better to be taken
_CLEARLY_BETTER = 0.75
_PROBES = 3
_PROBE_EVERY_FRAMES = 8


def quarter_turns(
    tracker: LandmarkerMaker,
    path: Path,
    start_seconds: float,
    end_seconds: float | None,
    tick: Callable[[], None] = lambda: None,
) -> int:
    """Counter-clockwise quarter turns (as ``numpy.rot90``) that put the face upright; 0 where it is, or nobody knows.

    Looks at a few frames in every direction, by how well what is found fits the shape of a face. tick: called between.
    """
    frames = itertools.islice(read_frames(path, start_seconds, end_seconds), 0, None, _PROBE_EVERY_FRAMES)
    pictures = [frame.rgb for frame in itertools.islice(frames, _PROBES)]
    tick()
    as_it_is = _residual(tracker, pictures, 0)
    if as_it_is < _UPRIGHT_RESIDUAL_CM or not pictures:
        return 0
    others: dict[int, float] = {}
    for turns in (2, 1, 3):
        tick()
        others[turns] = _residual(tracker, pictures, turns)
    best = min(others, key=lambda turns: others[turns])
    fits = others[best] < _UPRIGHT_RESIDUAL_CM and others[best] < _CLEARLY_BETTER * as_it_is
    return best if fits else 0


def _residual(tracker: LandmarkerMaker, pictures: list[NDArray[np.uint8]], turns: int) -> float:
    """Median misfit in cm; infinite where no face is found."""
    landmarker = tracker.for_picture()
    try:
        turned = [np.ascontiguousarray(np.rot90(rgb, turns)) for rgb in pictures]
        found = [landmarker.landmarks(rgb, 0.0) for rgb in turned]
    finally:
        landmarker.close()
    seen = [points for points in found if np.isfinite(points[0, 0])]
    if not seen:
        return float("inf")
    return float(np.median(align(np.stack(seen), open_basis().neutral).residual))
