# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves from one frame rate to another through seconds, without overshoot. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray


def sample_monotone(values: FloatArray, fps: float, seconds: FloatArray) -> NDArray[np.float64]:
    """Sample (T, ...) values at arbitrary times (S,) by a monotone cubic (Fritsch and Carlson's slopes).

    Smooth where straight lines would show corners at 60 fps, and it never leaves the range of its two
    neighbours: lips that meet do not cross. Times outside the motion get the first or last frame.
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return np.repeat(values[:1], len(seconds), axis=0)
    position = np.clip(np.asarray(seconds, np.float64) * fps, 0, len(values) - 1)
    # a sound that starts on a whole frame should give back the frames exactly, in spite of rounding
    position = np.where(np.abs(position - np.round(position)) < 1e-6, np.round(position), position)
    low = np.minimum(position.astype(int), len(values) - 2)
    t = (position - low).reshape(-1, *([1] * (values.ndim - 1)))
    slopes = _monotone_slopes(values)
    sampled: NDArray[np.float64] = (
        (1 + 2 * t) * (1 - t) ** 2 * values[low]
        + t * (1 - t) ** 2 * slopes[low]
        + t**2 * (3 - 2 * t) * values[low + 1]
        + t**2 * (t - 1) * slopes[low + 1]
    )
    return sampled


def _monotone_slopes(values: FloatArray) -> FloatArray:
    """(T, ...) slope per frame: harmonic mean of the secants, zero at a turning point; straight at the ends."""
    secants = np.diff(values, axis=0)
    before, after = secants[:-1], secants[1:]
    rising = before * after > 0
    total = np.where(rising, before + after, 1.0)
    slopes = np.zeros_like(values)
    slopes[0], slopes[-1] = secants[0], secants[-1]
    slopes[1:-1] = np.where(rising, 2 * before * after / total, 0.0)
    return slopes
