# SPDX-License-Identifier: GPL-3.0-or-later
"""The jaw of a face: its range of opening, and the inverse of its skinning. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .rotations import FloatArray, matrix_from_rotvec

# opening of the basis' jaw in tracked and styled motion, radians
JAW_RANGE_RADIANS = (-0.05, 0.6)
# of a rig's own jaw bone: a shorter jaw turns further for the same opening
RIG_JAW_RANGE_RADIANS = (-0.05, 0.65)
# of the series below
_TERMS = 4


def undo_jaw(
    displacement: FloatArray, jaw: FloatArray, weights: FloatArray, terms: int = _TERMS
) -> NDArray[np.float64]:
    """Displacements (T, N, 3) in the neutral pose that the jaw's linear blend skinning turns into ``displacement``.

    jaw: (T, 3) rotation vectors. weights: (N,) shares of the rotation. Solves (I + w (R - I)) e = d by a Neumann
    series; its relative error is under |angle| ** (terms + 1), for four terms 0.0003 at 0.2 rad and 0.08 at 0.6.
    """
    rotation = matrix_from_rotvec(jaw) - np.eye(3)
    neutral: NDArray[np.float64] = displacement
    for _ in range(terms):
        neutral = displacement - np.einsum("tij,tnj->tni", rotation, neutral) * weights[:, None]
    return neutral
