# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's motion: displacement of the basis landmarks from the neutral face, in the fewest numbers that hold it.

The paper works on vertex offsets (15,069 numbers a frame). Ours are offsets of the 468 skin landmarks, each weighted
by how much it matters (``landmark_weights``: lips first). All that a basis can show is a linear image of 51 values
v (50 coefficients and the angle about the jaw's hinge): W A v, with A its displacement per value, the jaw's taken at
rest. With W A = Q R (Q: orthonormal columns) the 51 coordinates u = R v / scale are that displacement seen along Q:

- |u1 - u2| is the weighted distance of the landmarks, so a loss on u is the loss on landmarks;
- any linear layer on landmarks is one on u, and the other way round;
- v = scale * R^-1 u is the least-squares fit of the displacement to the basis, and exact: no search, no residue.

The jaw is taken as linear only in the measure of distance (1 % off at 0.15 rad); there and back changes nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.motion import EXPRESSION_SIZE, MOTION_SIZE
from ..face.rotations import FloatArray
from ..tracking.fit import landmark_weights

SPACE_SIZE = EXPRESSION_SIZE + 1
# weighted centimetres in one unit: tracked speech then has a mean square of 0.9 per coordinate
SCALE_CM = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkSpace:
    """encode: (53, 51) motion values to coordinates. decode: (51, 53) back; both act on rows.

    displacement: (51, 478, 3) weighted centimetres of each coordinate, an orthonormal frame times the scale.
    """

    encode: NDArray[np.float32]
    decode: NDArray[np.float32]
    displacement: NDArray[np.float32]


@functools.lru_cache(maxsize=4)
def landmark_space(basis: FaceBasis) -> LandmarkSpace:
    """The space of one basis; see the module's text."""
    # (51, 53): a value set to the motion's own layout, the angle along the hinge's axis
    layout = np.zeros((SPACE_SIZE, MOTION_SIZE))
    layout[:EXPRESSION_SIZE, :EXPRESSION_SIZE] = np.eye(EXPRESSION_SIZE)
    layout[EXPRESSION_SIZE, EXPRESSION_SIZE:] = basis.hinge_axis
    weighted = (_displacement_per_value(basis) * landmark_weights()).reshape(SPACE_SIZE, -1)
    frame, upper = np.linalg.qr(weighted.T)
    return LandmarkSpace(
        encode=(layout.T @ upper.T / SCALE_CM).astype(np.float32),
        decode=(SCALE_CM * np.linalg.inv(upper.T) @ layout).astype(np.float32),
        displacement=(SCALE_CM * frame.T).reshape(SPACE_SIZE, *basis.neutral.shape).astype(np.float32),
    )


def _displacement_per_value(basis: FaceBasis) -> FloatArray:
    """(51, 478, 3) cm per unit of coefficient, then per radian of the jaw at rest."""
    tangent = np.cross(basis.hinge_axis, basis.neutral - basis.hinge_point) * basis.jaw_weights[:, None]
    return np.concatenate([basis.directions, tangent[None]]).astype(np.float64)
