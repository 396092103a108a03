# SPDX-License-Identifier: GPL-3.0-or-later
"""Known distortions of a motion: a metric that does not rank them is no metric. Also shown in the report."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.face.rotations import FloatArray


def delayed(values: FloatArray, frames: int) -> NDArray[np.float64]:
    """(T, ...) shown ``frames`` late; the first frame is held."""
    values = np.asarray(values, np.float64)
    return values[np.clip(np.arange(len(values)) - frames, 0, len(values) - 1)]


def scaled(displacement: FloatArray, factor: float) -> NDArray[np.float64]:
    """Displacement from neutral made smaller or larger."""
    return np.asarray(displacement, np.float64) * factor


def blurred(values: FloatArray, frames: int = 9) -> NDArray[np.float64]:
    """Moving average over an odd number of frames, ends held: what over-smoothing does."""
    values = np.asarray(values, np.float64)
    half = frames // 2
    index = np.clip(np.arange(-half, half + 1)[:, None] + np.arange(len(values))[None, :], 0, len(values) - 1)
    return values[index].mean(axis=0)


def shaken(values: FloatArray, deviation: float, seed: int = 0) -> NDArray[np.float64]:
    """Independent noise on every value."""
    values = np.asarray(values, np.float64)
    return values + np.random.default_rng(seed).normal(0.0, deviation, values.shape)
