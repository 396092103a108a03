# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic of Mimic's style codes (128,): how strongly a style shows, and two styles mixed.

Codes may be interpolated because the decoder's style-adaptive norms are affine in them. Numpy only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...face.rotations import FloatArray


def at_strength(mean: FloatArray, code: FloatArray, strength: float) -> NDArray[np.float32]:
    """``mean + strength * (code - mean)``: 0 is the mean style exactly, 1 the code exactly, above 1 goes past it."""
    _require_alike(mean, code)
    if strength == 0.0:
        return np.array(mean, np.float32)
    if strength == 1.0:
        return np.array(code, np.float32)
    return (np.asarray(mean) + strength * (np.asarray(code) - mean)).astype(np.float32)


def mixed(first: FloatArray, second: FloatArray, share: float) -> NDArray[np.float32]:
    """``(1 - share) * first + share * second``; 0 is the first style exactly, 1 the second. ``share`` in 0..1."""
    _require_alike(first, second)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"the share of the second style lies within 0 .. 1, got {share}")
    return ((1.0 - share) * np.asarray(first) + share * np.asarray(second)).astype(np.float32)


def _require_alike(first: FloatArray, second: FloatArray) -> None:
    if np.shape(first) != np.shape(second):
        raise ValueError(f"style codes of shapes {np.shape(first)} and {np.shape(second)} do not go together")
