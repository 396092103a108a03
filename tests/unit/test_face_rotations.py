# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

from core.face.rotations import (
    continuous_quaternions,
    euler_from_matrix,
    matrix_from_rotvec,
    mean_rotation,
    quaternion_from_matrix,
    quaternion_from_rotvec,
    rotvec_from_matrix,
    rotvec_from_quaternion,
)
from tests.rotation_inverses import matrix_from_euler, matrix_from_quaternion


@pytest.fixture
def rotvecs() -> np.ndarray:
    rng = np.random.default_rng(1)
    direction = rng.normal(size=(200, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * rng.uniform(0, 3.1, (200, 1))


def test_positive_x_opens_the_jaw_down_and_back() -> None:
    chin = np.array([0.0, -5.0, 8.0])
    moved = matrix_from_rotvec(np.array([np.radians(20), 0, 0])) @ chin
    assert moved[1] < chin[1] and moved[2] < chin[2] + 1e-9


def test_quarter_turn_about_z_takes_x_to_y() -> None:
    matrix = matrix_from_rotvec(np.array([0, 0, np.pi / 2]))
    np.testing.assert_allclose(matrix @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_every_representation_round_trips(rotvecs: np.ndarray) -> None:
    matrix = matrix_from_rotvec(rotvecs)
    np.testing.assert_allclose(rotvec_from_matrix(matrix), rotvecs, atol=1e-6)
    np.testing.assert_allclose(matrix_from_quaternion(quaternion_from_matrix(matrix)), matrix, atol=1e-8)
    np.testing.assert_allclose(rotvec_from_quaternion(quaternion_from_rotvec(rotvecs)), rotvecs, atol=1e-9)


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_euler_angles_of_every_order_rebuild_the_matrix(rotvecs: np.ndarray, order: str) -> None:
    matrix = matrix_from_rotvec(rotvecs)
    np.testing.assert_allclose(matrix_from_euler(euler_from_matrix(matrix, order), order), matrix, atol=1e-7)


def test_tiny_rotations_stay_exact() -> None:
    tiny = np.array([[1e-10, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(rotvec_from_matrix(matrix_from_rotvec(tiny)), tiny, atol=1e-12)


def test_continuous_quaternions_never_jump_to_the_other_hemisphere() -> None:
    angles = np.linspace(0, 4 * np.pi, 100)
    quaternions = quaternion_from_matrix(matrix_from_rotvec(np.stack([angles, 0 * angles, 0 * angles], 1)))
    steady = continuous_quaternions(quaternions)
    assert (np.sum(steady[1:] * steady[:-1], axis=1) > 0.9).all()
    np.testing.assert_allclose(matrix_from_quaternion(steady), matrix_from_quaternion(quaternions), atol=1e-9)


def test_mean_rotation_of_symmetric_turns_is_the_middle() -> None:
    swings = np.array([[0, a, 0.1] for a in (-0.4, -0.2, 0.0, 0.2, 0.4)])
    middle = rotvec_from_matrix(mean_rotation(matrix_from_rotvec(swings)))
    np.testing.assert_allclose(middle[:2], 0, atol=2e-2)
    assert middle[2] == pytest.approx(0.1, abs=0.01)
