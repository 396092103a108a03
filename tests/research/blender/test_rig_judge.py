# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of rigs: what counts as open, and the teeth that a head without any is lent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy", reason="needs Blender's Python module")
from core.blender.read_rig import read_rig
from core.face.basis import open_basis
from core.face.landmarks import CHIN_POINTS, OPENING_PAIRS, mouth_opening
from core.face.lids import lid_chart
from core.face.motion import Motion
from core.face.rotations import matrix_from_rotvec
from core.rig.frames import align_rig
from core.rig.raster import View, draw
from core.rig.solve import prepare_solver
from core.rig.surface import pieces
from research.evaluation.rigs.heads import flame_head
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


@pytest.mark.slow
def test_the_made_flame_heads_shut_lids_hide_its_eyeballs(shared_data: Path) -> None:
    rig = read_rig(flame_head(shared_data))
    basis = open_basis()
    still = np.zeros((1, len(rig.key_names)), np.float32)
    blink = lid_chart(basis).closed(still, np.ones(1))
    zeros = np.zeros((1, 3), np.float32)
    motion = Motion(25.0, blink, zeros, zeros, np.zeros((1, 2, 2), np.float32), basis.name, basis.hash)
    shut = prepare_solver(rig, basis).solve(motion).key_values[0]
    placed = align_rig(rig, basis.neutral)
    label = pieces(len(rig.vertices), rig.triangles)
    of_balls = label[rig.triangles[:, 0]] != np.bincount(label).argmax()

    def white(values: np.ndarray) -> int:
        vertices = placed.undo(rig.vertices.astype(float) + np.tensordot(values, rig.key_deltas.astype(float), axes=1))
        view = View(np.eye(3), vertices[rig.triangles[of_balls]].mean(axis=(0, 1)), 12.0, 400)
        seen = draw(vertices, rig.triangles, np.ones((len(vertices), 3)), view).triangle
        return int(of_balls[seen[seen >= 0]].sum())

    assert white(shut) < 0.03 * white(still[0])
