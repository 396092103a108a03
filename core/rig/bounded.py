# SPDX-License-Identifier: GPL-3.0-or-later
"""Ridge least squares with values kept in 0..1, for ARKit-like controls. All frames at once, numpy only."""

from __future__ import annotations

import numpy as np

from ..face.rotations import FloatArray

_ROUNDS = 150


def solve_bounded(gram: FloatArray, correlations: FloatArray, start: FloatArray | None = None) -> FloatArray:
    """Minimise x G x / 2 - x b over the unit box for each row of ``correlations`` (T, K); ``gram`` is (K, K).

    Accelerated projected gradient (Nesterov's step, restarted where it overshoots): the problem is convex, and
    a fixed number of matrix products is faster for thousands of frames than an active set per frame.
    """
    step = 1.0 / float(np.linalg.eigvalsh(gram)[-1])
    best = np.clip(correlations @ np.linalg.inv(gram) if start is None else start, 0.0, 1.0)
    ahead, momentum = best, 1.0
    for _ in range(_ROUNDS):
        following = np.clip(ahead - step * (ahead @ gram - correlations), 0.0, 1.0)
        if ((ahead - following) * (following - best)).sum() > 0:
            momentum = 1.0
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / grown * (following - best)
        best, momentum = following, grown
    return best
