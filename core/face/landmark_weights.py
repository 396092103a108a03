# SPDX-License-Identifier: GPL-3.0-or-later
"""How much each landmark coordinate counts when a face is fitted to landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .landmarks import LANDMARK_COUNT, LIPS, SKIN_COUNT, UPPER_FACE


def landmark_weights() -> NDArray[np.float64]:
    """(478, 3) importance of each coordinate when fitting: lips first, then lids and brows; depth is noisy."""
    weights = np.ones((LANDMARK_COUNT, 3))
    weights[UPPER_FACE] = 1.5
    weights[LIPS] = 3.0
    weights[:, 2] *= 0.5
    # the eyeballs turn by gaze, not by expression
    weights[SKIN_COUNT:] = 0.0
    return weights
