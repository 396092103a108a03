# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyelids: their gaps, and the expression change that closes them with the least motion elsewhere."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .basis import FaceBasis
from .landmarks import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LANDMARK_COUNT, LID_PAIRS, LIPS, SKIN_COUNT
from .rotations import FloatArray

# upper and lower edge of the person's left then right eye, from the outer to the inner corner: pairs above each other
UPPER_LIDS = np.array([[466, 388, 387, 386, 385, 384, 398], [246, 161, 160, 159, 158, 157, 173]])
LOWER_LIDS = np.array([[249, 390, 373, 374, 380, 381, 382], [7, 163, 144, 145, 153, 154, 155]])
PAIR_COUNT = UPPER_LIDS.size
# height in cm at which the tracked edges of shut lids lie: the points are the lids' edges, which have a thickness
SHUT_LIDS_CM = 0.05

# skin this near to an eye's centre goes along with its lids
_EYE_REACH_CM = 2.6
_NEAR_EYE_WEIGHT, _BROW_WEIGHT, _LIP_WEIGHT = 0.05, 1.0, 12.0
# what else moves counts this much (mean square cm) against a centimetre of lids left open, and a unit of coefficient
_KEEP_STILL = 60.0
_RIDGE = 1e-3


def lid_gaps(landmarks: FloatArray) -> FloatArray:
    """(..., 478, 3) points or displacements to (..., 14) upright lid distances or their changes, left eye first."""
    heights = np.asarray(landmarks)[..., 1]
    gaps: FloatArray = heights[..., UPPER_LIDS.ravel()] - heights[..., LOWER_LIDS.ravel()]
    return gaps


def lid_opening(landmarks: FloatArray) -> FloatArray:
    """(..., 478, 3) to (...): mean upright distance of the lids around their middle, both eyes."""
    heights = np.asarray(landmarks)[..., 1]
    opening: FloatArray = (heights[..., LID_PAIRS[:, 0]] - heights[..., LID_PAIRS[:, 1]]).mean(axis=-1)
    return opening


@dataclass(frozen=True, slots=True, eq=False)
class LidChart:
    """The lids of a face whose shape is linear in K coefficients (a basis' expression, a rig's keys), as linear maps.

    rest: (14,) gaps of the neutral face. gaps: (K, 14) cm that each gap grows by per unit of a coefficient.
    directions: (14, K) coefficients per centimetre wanted of each gap, all else kept as still as the face can.
    cost: (K, K) of a change of the coefficients, which ``directions`` make least.
    """

    rest: NDArray[np.float64]
    gaps: NDArray[np.float64]
    directions: NDArray[np.float64]
    cost: NDArray[np.float64]

    @property
    def shut(self) -> NDArray[np.float64]:
        """(14,) gaps of shut eyes."""
        return np.minimum(SHUT_LIDS_CM, self.rest)

    def gaps_of(self, values: FloatArray) -> NDArray[np.float64]:
        """(T, K) coefficients to (T, 14) centimetres."""
        return self.rest + np.asarray(values, np.float64) @ self.gaps

    def closure_of(self, values: FloatArray) -> NDArray[np.float64]:
        """(T, K) to (T, 2) for the left and the right eye: 0 as open as at rest or more, 1 shut."""
        way = (self.rest - self.shut).reshape(2, -1).sum(axis=1)
        done = (self.rest - self.gaps_of(values)).reshape(len(values), 2, -1).sum(axis=2)
        return np.clip(done / way, 0.0, 1.0)

    def closed(self, values: FloatArray, closure: FloatArray) -> NDArray[np.float32]:
        """(T, K) with the lids brought together by ``closure`` (T,) or (T, 2).

        0 leaves them, to the bit; 1 shuts them from wherever they are.
        """
        share = np.clip(np.asarray(closure, np.float64), 0.0, 1.0).reshape(len(values), -1)
        wanted = np.minimum(self.shut - self.gaps_of(values), 0.0)
        per_gap = np.repeat(np.broadcast_to(share, (len(values), 2)), PAIR_COUNT // 2, axis=1)
        shut = np.asarray(values, np.float64) + (per_gap * wanted) @ self.directions
        moves = share.any(axis=1, keepdims=True)
        return np.where(moves, shut, np.asarray(values)).astype(np.float32)

    def opened(self, values: FloatArray) -> NDArray[np.float32]:
        """(T, K) with every gap that is under the resting one brought back to it."""
        missing = np.maximum(self.rest - self.gaps_of(values), 0.0)
        return (np.asarray(values, np.float64) + missing @ self.directions).astype(np.float32)


@functools.lru_cache(maxsize=4)
def lid_chart(basis: FaceBasis) -> LidChart:
    """The lids of a basis in its expression coefficients; the jaw does not reach them."""
    return make_lid_chart(basis.neutral, basis.directions)


def make_lid_chart(neutral: FloatArray, directions: FloatArray) -> LidChart:
    """For landmarks (478, 3) and what moves them, (K, 478, 3), both cm in the basis' axes.

    Weighted least squares: the gaps as asked; lips, brows and the rest kept where they are.
    """
    moves = np.asarray(directions, np.float64)
    gaps = lid_gaps(moves)
    still = (moves * _root_weights(neutral)[None, :, None]).reshape(len(moves), -1)
    cost = _KEEP_STILL * still @ still.T + gaps @ gaps.T + _RIDGE * np.eye(len(moves))
    return LidChart(lid_gaps(np.asarray(neutral, np.float64)), gaps, np.linalg.solve(cost, gaps).T, cost)


def _root_weights(neutral: FloatArray) -> NDArray[np.float64]:
    """(478,) root weights; the squares of the ordinary ones sum to one over the face."""
    weights = np.ones(LANDMARK_COUNT)
    for eye in (EYE_LEFT, EYE_RIGHT):
        reach = np.linalg.norm(neutral - neutral[eye].mean(axis=0), axis=1)
        weights[reach < _EYE_REACH_CM] = _NEAR_EYE_WEIGHT
    weights[np.concatenate([BROW_LEFT, BROW_RIGHT])] = _BROW_WEIGHT
    weights[np.concatenate([EYE_LEFT, EYE_RIGHT])] = 0.0
    weights[SKIN_COUNT:] = 0.0
    weights[LIPS] = _LIP_WEIGHT
    return weights / np.sqrt(SKIN_COUNT)
