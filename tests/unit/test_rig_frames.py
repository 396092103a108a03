# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes: similarity fit, snapping, bone frames and rotation modes."""

from __future__ import annotations

import numpy as np
import pytest

from core.face.rotations import matrix_from_rotvec
from core.rig.description import BoneDescription
from core.rig.frames import EULER_ORDERS, bone_channels, fit_similarity, is_flame_frame, local_rotations, snapped_axes
from tests.rotation_inverses import matrix_from_euler, matrix_from_quaternion

FLAME_IN_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def bone(rotation: np.ndarray, mode: str = "QUATERNION") -> BoneDescription:
    """A bone at an arbitrary place with rest axes ``rotation``."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, (1, 2, 3)
    return BoneDescription("jaw", None, matrix, mode)


def some_rotations(frames: int = 40, size: float = 0.5) -> np.ndarray:
    """(frames, 3) a smooth wandering rotation vector."""
    return np.cumsum(np.random.default_rng(1).normal(0, size / 4, (frames, 3)), axis=0)


def test_similarity_is_recovered() -> None:
    rng = np.random.default_rng(0)
    points, rotation = rng.normal(size=(30, 3)), matrix_from_rotvec(np.array([0.3, -0.8, 1.1]))
    found = fit_similarity(points, 0.013 * points @ rotation.T + [4, 5, 6])
    assert found.scale == pytest.approx(0.013)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.undo(found.apply(points)), points, atol=1e-9)


def test_similarity_never_mirrors() -> None:
    points = np.random.default_rng(0).normal(size=(30, 3))
    assert np.linalg.det(fit_similarity(points, points * [-1, 1, 1]).rotation) == pytest.approx(1.0)


def test_axes_snap_over_a_few_degrees_only() -> None:
    tilt = matrix_from_rotvec(np.array([np.radians(12), 0, 0]))
    np.testing.assert_array_equal(snapped_axes(tilt @ FLAME_IN_BLENDER), FLAME_IN_BLENDER)
    tilt = matrix_from_rotvec(np.array([np.radians(38), 0.2, 0]))
    np.testing.assert_array_equal(snapped_axes(tilt), tilt)


def test_both_known_frames_need_no_change_of_basis() -> None:
    assert is_flame_frame(bone(FLAME_IN_BLENDER), FLAME_IN_BLENDER)
    assert is_flame_frame(bone(np.eye(3)), np.eye(3))
    assert not is_flame_frame(bone(np.eye(3)), FLAME_IN_BLENDER)
    rotvec = some_rotations()
    np.testing.assert_allclose(
        local_rotations(bone(FLAME_IN_BLENDER), rotvec, FLAME_IN_BLENDER), matrix_from_rotvec(rotvec), atol=1e-12
    )


def test_any_rest_frame_turns_the_armature_space_alike() -> None:
    rotvec, rest = some_rotations(), matrix_from_rotvec(np.array([0.4, -1.0, 2.0]))
    local = local_rotations(bone(rest), rotvec, FLAME_IN_BLENDER)
    wanted = FLAME_IN_BLENDER @ matrix_from_rotvec(rotvec) @ FLAME_IN_BLENDER.T
    np.testing.assert_allclose(rest @ local @ rest.T, wanted, atol=1e-12)


@pytest.mark.parametrize("order", EULER_ORDERS)
def test_euler_channels_hold_the_same_rotation_without_jumps(order: str) -> None:
    local = matrix_from_rotvec(some_rotations(200, 0.4))
    channels = bone_channels(bone(np.eye(3), order), local)
    assert channels.property_name == "rotation_euler"
    np.testing.assert_allclose(matrix_from_euler(channels.values, order), local, atol=1e-9)


def test_quaternion_channels_hold_the_same_rotation_without_jumps() -> None:
    local = matrix_from_rotvec(some_rotations(300))
    values = bone_channels(bone(np.eye(3)), local).values
    np.testing.assert_allclose(matrix_from_quaternion(values), local, atol=1e-9)
    assert np.abs(np.diff(values, axis=0)).max() < 0.5


def test_axis_angle_channels_pass_through_rest_without_a_flip() -> None:
    rotvec = np.zeros((21, 3))
    rotvec[:, 0] = np.linspace(-0.4, 0.4, 21)
    values = bone_channels(bone(np.eye(3), "AXIS_ANGLE"), matrix_from_rotvec(rotvec)).values
    turned = matrix_from_rotvec(values[:, :1] * values[:, 1:])
    np.testing.assert_allclose(turned, matrix_from_rotvec(rotvec), atol=1e-9)
    assert np.abs(np.diff(values, axis=0)).max() < 0.1
