# SPDX-License-Identifier: GPL-3.0-or-later
"""Weighted statistics of motion: moments of pairs, their correlation, and shrinkage. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .basis import FaceBasis
from .closures import gap_of_vectors
from .rotations import FloatArray

# lip gaps that correlate less do not belong together: the sound is not that of the tracked mouth
MIN_AGREEMENT = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class PairedMoments:
    """First and second moments of two signals (T, D) over their frames; each field is (D,)."""

    mean_x: NDArray[np.float64]
    mean_y: NDArray[np.float64]
    variance_x: NDArray[np.float64]
    variance_y: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @property
    def deviation_x(self) -> NDArray[np.float64]:
        """(D,) standard deviation of x."""
        return np.sqrt(self.variance_x)

    @property
    def deviation_y(self) -> NDArray[np.float64]:
        """(D,) standard deviation of y."""
        return np.sqrt(self.variance_y)


def paired_moments(x: FloatArray, y: FloatArray, weights: FloatArray) -> PairedMoments:
    """Moments of x and y, both (T, D), frames weighted by ``weights`` (T,) >= 0; all zero where these are zero."""
    share = np.asarray(weights, np.float64) / max(float(np.sum(weights)), 1e-9)
    mean_x, mean_y = share @ x, share @ y
    centred_x, centred_y = x - mean_x, y - mean_y
    return PairedMoments(mean_x, mean_y, share @ centred_x**2, share @ centred_y**2, share @ (centred_x * centred_y))


def shrinkage(amount: float, half: float) -> float:
    """How far an estimate from so much evidence leaves its prior: 0 without any, a half at ``half``, towards 1.

    amount / (amount + half), the posterior weight of ``amount`` observations against a prior worth ``half`` of them.
    """
    return amount / (amount + half)


def gap_agreement(basis: FaceBasis, first: FloatArray, second: FloatArray, weights: FloatArray) -> float:
    """Weighted correlation of the lip gaps of two motions (T, 53): the one movement that all speech shows.

    weights: (T,) reliability. 0 where one of the gaps does not change.
    """
    x, y = (gap_of_vectors(basis, vectors) for vectors in (first, second))
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    spread = np.sqrt((weights @ x**2) * (weights @ y**2))
    return float(weights @ (x * y) / spread) if spread > 1e-9 else 0.0
