# SPDX-License-Identifier: GPL-3.0-or-later
"""Prosodic prominence: peaks of loudness relative to their surroundings, per frame at 25 fps. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.motion import INTERNAL_FPS

FloatArray = NDArray[np.floating]
# prominence is relative to the loudness within this time
_AROUND_SECONDS = 1.2
_SMOOTH_SECONDS = 0.16
_APART_SECONDS = 0.25
_MIN_PROMINENCE = 0.06
SPEAKING_LOUDNESS = 0.4


def prominence_curve(loudness: FloatArray, fps: float = INTERNAL_FPS) -> NDArray[np.float64]:
    """(T,) loudness (1 in loud parts, 0 in silence) to how far it stands out from its surroundings, >= 0."""
    level = moving_mean(loudness, round(_SMOOTH_SECONDS * fps))
    return np.maximum(level - moving_mean(level, round(_AROUND_SECONDS * fps)), 0.0)


def prominence_peaks(loudness: FloatArray, fps: float = INTERNAL_FPS) -> NDArray[np.int64]:
    """Frames of the prominent syllables' loudness peaks, the more prominent one where two are closer than 0.25 s."""
    curve = prominence_curve(loudness, fps)
    inner = (curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:]) & (curve[1:-1] > _MIN_PROMINENCE)
    found = np.flatnonzero(inner) + 1
    kept: list[int] = []
    for frame in found[np.argsort(-curve[found], kind="stable")]:
        if all(abs(int(frame) - other) >= _APART_SECONDS * fps for other in kept):
            kept.append(int(frame))
    return np.array(sorted(kept), np.int64)


def moving_mean(values: FloatArray, frames: int) -> NDArray[np.float64]:
    """Centred mean over ``frames`` (made odd) along axis 0, the ends held."""
    half = max(frames, 1) // 2
    data = np.asarray(values, np.float64)
    padded = np.concatenate([np.repeat(data[:1], half + 1, axis=0), data, np.repeat(data[-1:], half, axis=0)])
    total = np.cumsum(padded, axis=0)
    width = 2 * half + 1
    return (total[width:] - total[:-width]) / width
