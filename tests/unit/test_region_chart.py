# SPDX-License-Identifier: GPL-3.0-or-later
"""The linear maps of a face basis agree with the basis itself where motions are small."""

from __future__ import annotations

import numpy as np

from core.face.basis import open_basis
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE
from core.face.region_chart import displacement_per_hinged_value, displacement_per_value
from research.corpus.lip_prior import as_motion

SMALL = 1e-3


def test_small_motions_move_the_landmarks_as_the_linear_map_says() -> None:
    basis = open_basis()
    each = np.eye(MOTION_SIZE, dtype=np.float32) * SMALL
    moved = basis.displacement(as_motion(each, basis, 25.0))
    # to second order a rotation is not linear
    np.testing.assert_allclose(moved / SMALL, displacement_per_value(basis), atol=0.01)


def test_the_hinged_map_is_the_full_one_along_the_hinge() -> None:
    basis = open_basis()
    full, hinged = displacement_per_value(basis), displacement_per_hinged_value(basis)
    np.testing.assert_array_equal(hinged[:EXPRESSION_SIZE], full[:EXPRESSION_SIZE])
    turned = np.tensordot(basis.hinge_axis, full[EXPRESSION_SIZE:], axes=1)
    np.testing.assert_allclose(hinged[EXPRESSION_SIZE], turned, atol=1e-5)
