# SPDX-License-Identifier: GPL-3.0-or-later
"""Ridge least squares with values kept between bounds. All frames at once, numpy only."""

from __future__ import annotations

import numpy as np

from ..face.rotations import FloatArray

_ROUNDS = 150


def solve_bounded(
    gram: FloatArray,
    correlations: FloatArray,
    low: float = 0.0,
    high: float | FloatArray = 1.0,
    start: FloatArray | None = None,
) -> FloatArray:
    """Minimise x G x / 2 - x b with low <= x <= high for each row of ``correlations`` (T, K); ``gram`` is (K, K).

    high: one for all, or (T, K).

    Accelerated projected gradient (Nesterov's step, restarted where it overshoots): the problem is convex, and
    a fixed number of matrix products is faster for thousands of frames than an active set per frame.
    """
    step = 1.0 / float(np.linalg.eigvalsh(gram)[-1])
    best = np.clip(correlations @ np.linalg.inv(gram) if start is None else start, low, high)
    ahead, momentum = best, np.ones((len(best), 1))
    for _ in range(_ROUNDS):
        following = np.clip(ahead - step * (ahead @ gram - correlations), low, high)
        # each frame for itself: the answer must not depend on which frames are solved together
        overshot = ((ahead - following) * (following - best)).sum(axis=1, keepdims=True) > 0
        momentum = np.where(overshot, 1.0, momentum)
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / grown * (following - best)
        best, momentum = following, grown
    return best
