# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a generated face is from the tracked one. Landmarks are pose-free centimetres, 25 fps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from core.face.landmarks import LIPS
from core.face.rotations import FloatArray

BEST_LAG_FRAMES = 2
LAG_STEP_FRAMES = 0.25


@dataclass(frozen=True, slots=True)
class LagCorrelation:
    """correlation at ``lag_frames``; a positive lag means the second signal comes later than the first."""

    correlation: float
    lag_frames: float


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Pearson's correlation of two (T,) signals; 0 where either is constant."""
    a, b = first - first.mean(), second - second.mean()
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 1e-12 else 0.0


def best_lag(truth: FloatArray, generated: FloatArray, max_lag_frames: int = BEST_LAG_FRAMES) -> LagCorrelation:
    """Highest correlation over shifts of at most ``max_lag_frames``; positive lag: generated is late.

    In steps of a quarter of a frame (10 ms): sound and picture of a recording are out of step by any time, and a
    rest of half a frame would be counted as a wrong mouth. Between frames the generated signal is a cubic spline.
    """
    frames = np.arange(min(len(truth), len(generated)))
    between = CubicSpline(frames, generated[: len(frames)])
    found = []
    for lag in np.arange(-max_lag_frames, max_lag_frames + LAG_STEP_FRAMES, LAG_STEP_FRAMES).tolist():
        inside = frames[(frames + lag >= 0) & (frames + lag <= frames[-1])]
        found.append(LagCorrelation(correlation(truth[inside], between(inside + lag)), lag))
    return max(found, key=lambda item: (round(item.correlation, 6), -abs(item.lag_frames)))


def lip_error_mm(truth: FloatArray, generated: FloatArray) -> float:
    """Lip vertex error: per frame the largest distance over the 40 lip points, mean over frames, millimetres.

    Both are displacements from neutral (or landmarks with the same neutral), (T, 478, 3) in centimetres.
    Source: the lip vertex error of MeshTalk (Richard et al. 2021), without its square.
    """
    frames = min(len(truth), len(generated))
    distance = np.linalg.norm(truth[:frames, LIPS] - generated[:frames, LIPS], axis=-1)
    return float(distance.max(axis=1).mean() * 10.0)


def lip_error_squared(truth: FloatArray, generated: FloatArray) -> float:
    """The papers' squared form: mean over frames of the largest squared lip distance, in square metres."""
    frames = min(len(truth), len(generated))
    distance = np.linalg.norm(truth[:frames, LIPS] - generated[:frames, LIPS], axis=-1) / 100.0
    return float((distance.max(axis=1) ** 2).mean())


def constant_face(truth: FloatArray) -> FloatArray:
    """The baseline that never moves: a (T, 478, 3) displacement of zeros, the clip's own neutral face."""
    return np.zeros_like(truth)
