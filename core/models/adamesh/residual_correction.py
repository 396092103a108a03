# SPDX-License-Identifier: GPL-3.0-or-later
"""Residual affine correction: a gain and an offset per motion value, from the adapted network to the tracked motion.

Weighted least squares on the reference after the low-rank update, shrunk towards the identity. The neutral face
differs between clips of one speaker, so the offset is shrunk far more than the gain. Ours, not in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...face.motion import INTERNAL_FPS, MOTION_SIZE
from ...face.statistics import paired_moments, shrinkage


@dataclass(frozen=True, slots=True)
class ResidualShrinkage:
    """Shrinkage towards the identity by n / (n + half): seconds n at which it is a half, and limits of gain - 1."""

    gain_half_seconds: float = 1.0
    offset_half_seconds: float = 20.0
    gain_range: tuple[float, float] = (-0.3, 0.6)


DEFAULT_SHRINKAGE = ResidualShrinkage()


@dataclass(frozen=True, slots=True, eq=False)
class ResidualCorrection:
    """gain, offset: (53,), gain * x + offset corrects the network's motion x; gain 1, offset 0 is the identity."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    @classmethod
    def identity(cls) -> Self:
        """Gain 1 and offset 0."""
        return cls(np.ones(MOTION_SIZE, np.float32), np.zeros(MOTION_SIZE, np.float32))

    def at(self, strength: float) -> Self:
        """Scaled by the user's strength; 0 is the identity, 1 is unchanged."""
        gain = (1.0 + strength * (self.gain - 1.0)).astype(np.float32)
        return type(self)(gain, (strength * self.offset).astype(np.float32))


def fit_residual_correction(
    spoken: NDArray[np.float32],
    tracked: NDArray[np.float32],
    weights: NDArray[np.floating],
    limits: ResidualShrinkage = DEFAULT_SHRINKAGE,
) -> ResidualCorrection:
    """Least squares from generated to tracked motion, both (T, 53), frames weighted by reliability (T,)."""
    total = float(np.sum(weights))
    if total <= 0:
        return ResidualCorrection.identity()
    seconds = total / INTERNAL_FPS
    moments = paired_moments(spoken, tracked - spoken, weights)
    variance = moments.variance_x
    # values that hardly move have nothing to be scaled
    slope = np.where(variance > 1e-8, moments.covariance / np.maximum(variance, 1e-8), 0.0)
    gain = shrinkage(seconds, limits.gain_half_seconds) * np.clip(slope, *limits.gain_range)
    offset = shrinkage(seconds, limits.offset_half_seconds) * moments.mean_y - gain * moments.mean_x
    return ResidualCorrection((1.0 + gain).astype(np.float32), offset.astype(np.float32))
