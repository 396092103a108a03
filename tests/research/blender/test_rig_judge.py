# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of rigs: what counts as open, and the teeth that a head without any is lent."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bpy", reason="needs Blender's Python module")
from core.face.basis import open_basis
from core.face.landmarks import CHIN_POINTS, OPENING_PAIRS, mouth_opening
from core.face.rotations import matrix_from_rotvec
from research.evaluation.rigs.lent_teeth import lend_teeth
from research.evaluation.rigs.score import upright_opening


def test_lips_that_have_passed_each_other_and_one_behind_the_other_are_no_opening() -> None:
    face = np.zeros((3, 478, 3))
    upper, lower = OPENING_PAIRS.T
    face[0, upper, 1] = 0.4
    face[1, upper, 1] = -0.3
    face[2, lower, 2] = -0.5
    np.testing.assert_allclose(upright_opening(face), [0.4, 0.0, 0.0])
    assert mouth_opening(face).min() > 0.29


def test_lent_teeth_lie_behind_the_lips_and_the_lower_row_turns_with_the_chin() -> None:
    points = open_basis().neutral.astype(np.float64)
    teeth = lend_teeth(points)
    np.testing.assert_allclose(teeth.moved(points), teeth.rest, atol=1e-9)
    assert teeth.rest[:, 2].max() < points[[0, 17], 2].min()
    turned = points.copy()
    turn = matrix_from_rotvec(np.array([np.radians(10.0), 0.0, 0.0]))
    turned[CHIN_POINTS] = teeth.hinge + (points[CHIN_POINTS] - teeth.hinge) @ turn.T
    moved = teeth.moved(turned)
    upper, lower = teeth.lower < 0.01, teeth.lower > 0.99
    np.testing.assert_allclose(moved[upper], teeth.rest[upper])
    wanted = teeth.hinge + (teeth.rest[lower] - teeth.hinge) @ turn.T
    np.testing.assert_allclose(moved[lower], wanted, atol=0.05)
    assert (moved[lower, 1] < teeth.rest[lower, 1] - 0.3).any()
