# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's motion: displacement of the basis landmarks from the neutral face, in the fewest numbers that hold it.

The paper works on vertex offsets (15,069 numbers a frame). Ours are offsets of the 468 skin landmarks, each weighted
by how much it matters (``landmark_weights``: lips first). All that a basis can show is a linear image of 51 values
(50 coefficients and the angle about the jaw's hinge, the jaw's effect taken at rest), so the network sees y, those
values in units of their typical spread S, and W A S y is the weighted displacement. With W A S = Q M^T (Q: orthonormal
columns, by QR):

- |(y1 - y2) M| is the weighted distance of the landmarks in centimetres: a loss on y M is the loss on landmarks;
- any linear layer on landmarks is one on y, and the other way round;
- S y is the least-squares fit of the displacement to the basis, and exact: no search, no residue.

Why not y M itself, which is as good a description: its directions differ a thousandfold in spread, and an optimiser
that steps every weight alike (Adam) first blows the small ones up. The jaw is taken as linear only in the measure of
distance (1 % off at 0.05 rad); there and back changes nothing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...face.basis import FaceBasis
from ...face.landmark_weights import landmark_weights
from ...face.landmarks import CHIN_POINTS, STABLE
from ...face.motion import EXPRESSION_SIZE, MOTION_SIZE
from ...face.region_chart import (
    EXPRESSION_SPREAD,
    JAW,
    JAW_SPREAD_RADIANS,
    SIGNALS,
    displacement_per_hinged_value,
    region_chart,
)

SPACE_SIZE = EXPRESSION_SIZE + 1
REGION_COUNT = len(SIGNALS)


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkSpace:
    """Linear maps that act on rows.

    encode: (53, 51) motion values to coordinates. decode: (51, 53) back. metric: (51, 51) coordinates to weighted
    centimetres along an orthonormal frame of displacements. regions: (51, 9) coordinates to centimetres of the face's
    regions (:mod:`core.face.region_chart`; of the jaw the height of the chin, not its angle).
    """

    encode: NDArray[np.float32]
    decode: NDArray[np.float32]
    metric: NDArray[np.float32]
    regions: NDArray[np.float32]


@functools.lru_cache(maxsize=4)
def landmark_space(basis: FaceBasis) -> LandmarkSpace:
    """The space of one basis; see the module's text."""
    # (51, 53): a value set to the motion's own layout, the angle along the hinge's axis
    layout = np.zeros((SPACE_SIZE, MOTION_SIZE))
    layout[:EXPRESSION_SIZE, :EXPRESSION_SIZE] = np.eye(EXPRESSION_SIZE)
    layout[EXPRESSION_SIZE, EXPRESSION_SIZE:] = basis.hinge_axis
    spread = np.append(np.full(EXPRESSION_SIZE, EXPRESSION_SPREAD), JAW_SPREAD_RADIANS)[:, None]
    displacement = displacement_per_hinged_value(basis)
    regions = layout @ region_chart(basis).signals
    regions[:, JAW] = displacement[:, CHIN_POINTS, 1].mean(axis=1) - displacement[:, STABLE, 1].mean(axis=1)
    weighted = (displacement * landmark_weights()).reshape(SPACE_SIZE, -1)
    _, upper = np.linalg.qr((spread * weighted).T)
    return LandmarkSpace(
        encode=(layout / spread).T.astype(np.float32),
        decode=(layout * spread).astype(np.float32),
        metric=upper.T.astype(np.float32),
        regions=(spread * regions).astype(np.float32),
    )
