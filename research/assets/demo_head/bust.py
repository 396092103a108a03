# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower edge of the demo head: an upper body cut off level below the shoulders, as a sculptor's bust is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# cm, y up: the loft's shoulders are an ellipsoid, widest here, whose lower half would curve in again
_WIDEST, _HALF_HEIGHT, _MIDDLE_Z = -29.2, 13.5, -10.5
_CUT = -36.0
# how much narrower the body is at the cut than at the shoulders
_TAPER = 0.04


def shape_bust(vertices: NDArray[np.floating]) -> NDArray[np.float64]:
    """(V, 3) with the part below the shoulders straightened to upright sides and cut off level; the rest stays."""
    shaped = np.array(vertices, np.float64)
    below = shaped[:, 1] < _WIDEST
    # what lies below the cut closes it from below
    shaped[below, 1] = np.maximum(shaped[below, 1], _CUT)
    depth = (_WIDEST - shaped[below, 1]) / _HALF_HEIGHT
    fall = (_WIDEST - shaped[below, 1]) / (_WIDEST - _CUT)
    wider = (1.0 - _TAPER * fall) / np.sqrt(1.0 - depth**2)
    shaped[below, 0] *= wider
    shaped[below, 2] = _MIDDLE_Z + (shaped[below, 2] - _MIDDLE_Z) * wider
    return shaped
