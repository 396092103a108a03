# SPDX-License-Identifier: GPL-3.0-or-later
"""A head turn shared with the neck: both add up to it exactly."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.errors import SettingsError
from core.face.rotations import matrix_from_rotvec
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders

pytestmark = pytest.mark.slow


def turning(obj: bpy.types.Object, neck_share: float) -> CurvePlan:
    """Large random head turns, planned with a share for the neck."""
    rig = read_rig(obj)
    still = np.zeros((5, 3), np.float32)
    motion = RigMotion(
        fps=25.0,
        key_values=np.zeros((5, len(rig.key_names)), np.float32),
        jaw=still,
        head=head_turns(),
        eyes=np.zeros((5, 2, 3), np.float32),
        flame_to_object=builders.FLAME_IN_BLENDER,
    )
    settings = ApplySettings(neck_share=neck_share)
    return plan_curves(rig, motion, SceneTiming(25.0, 1.0), settings, read_existing(obj), "{}")


def head_turns() -> NDArray[np.float32]:
    return np.random.default_rng(9).normal(0, 0.4, (5, 3)).astype(np.float32)


def turned(obj: bpy.types.Object, bone: str) -> NDArray[np.float64]:
    """(3, 3) how far a bone has turned from its rest in the armature, in FLAME's axes."""
    armature = find_armature(obj)
    pose, rest = (
        np.array(matrix)[:3, :3]
        for matrix in (armature.pose.bones[bone].matrix, armature.data.bones[bone].matrix_local)
    )
    axes = builders.FLAME_IN_BLENDER
    return axes.T @ pose @ rest.T @ axes


@pytest.mark.parametrize("frame", ["flame", "rolled"])
@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "AXIS_ANGLE"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_neck_and_head_together_turn_exactly_as_the_head_should(
    frame: builders.Frame, mode: str, share: float
) -> None:
    choice = builders.RigChoice(frame=frame, rotation_mode=mode, with_head_bone=True)
    obj = builders.build_rig(face_fixtures.synthetic_face(), choice)
    apply_plan(turning(obj, share), obj)
    for index, rotvec in enumerate(head_turns().astype(float)):
        bpy.context.scene.frame_set(1 + index)
        np.testing.assert_allclose(turned(obj, "head"), matrix_from_rotvec(rotvec[None])[0], atol=2e-6)
        np.testing.assert_allclose(turned(obj, "neck"), matrix_from_rotvec(share * rotvec[None])[0], atol=2e-6)


def test_rig_with_one_of_the_two_bones_ignores_the_share() -> None:
    obj = builders.build_rig(face_fixtures.synthetic_face())
    paths = {share: {curve.path for curve in turning(obj, share).curves_of("armature")} for share in (0.0, 0.5)}
    assert paths[0.0] == paths[0.5] == {'pose.bones["neck"].rotation_quaternion'}


def test_head_that_does_not_follow_its_neck_turns_alone() -> None:
    obj = builders.build_rig(face_fixtures.synthetic_face(), builders.RigChoice(with_head_bone=True))
    find_armature(obj).data.bones["head"].use_inherit_rotation = False
    apply_plan(turning(obj, 0.5), obj)
    bpy.context.scene.frame_set(3)
    expected = matrix_from_rotvec(head_turns()[2:3].astype(float))[0]
    np.testing.assert_allclose(turned(obj, "head"), expected, atol=2e-6)
    np.testing.assert_allclose(turned(obj, "neck"), np.eye(3), atol=1e-6)


def test_share_out_of_range_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"Neck Share is 1\.5"):
        ApplySettings(neck_share=1.5)
