# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo head built and evaluated by the real Blender."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from core.blender.demo_head import create_demo_head, load_demo_head
from core.blender.read_rig import BASIS_PROPERTY
from core.face.basis import open_basis
from core.face.motion import Motion
from research.render.demo_motion import key_motion

FRAMES = 6


@pytest.fixture
def head() -> bpy.types.Object:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return create_demo_head(bpy.context.scene)


def _random_motion(gaze_radians: float = 0.1) -> Motion:
    """Speech-like coefficients, the jaw up to about 15 degrees open, no head motion."""
    basis = open_basis()
    random = np.random.default_rng(7)
    jaw = random.normal(0.0, 0.02, (FRAMES, 3))
    jaw[:, 0] = np.linspace(0.0, 0.27, FRAMES)
    return Motion(
        fps=25.0,
        expression=random.normal(0.0, 0.8, (FRAMES, 50)).astype(np.float32),
        jaw=jaw.astype(np.float32),
        head=np.zeros((FRAMES, 3), np.float32),
        gaze=random.normal(0.0, gaze_radians, (FRAMES, 2, 2)).astype(np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )


def _evaluated(obj: bpy.types.Object) -> np.ndarray:
    """(V, 3) after keys and armature, in the basis frame (cm)."""
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    x, y, z = points.reshape(-1, 3).T * 100.0
    return np.stack([x, z, -y], axis=1)


def test_head_has_flame_names_and_frames(head: bpy.types.Object) -> None:
    names = [block.name for block in head.data.shape_keys.key_blocks]
    assert names == ["Basis", *(f"Exp{index}" for index in range(1, 51))]
    rig = head.parent
    assert rig.name == "MimeshHeadRig"
    assert [bone.name for bone in rig.data.bones] == ["root", "neck", "jaw", "left_eye", "right_eye"]
    for bone in rig.data.bones:
        # tail up, no roll: the bone's own axes are FLAME's
        np.testing.assert_allclose(bone.matrix_local.to_3x3(), [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-6)
    assert rig.data.bones["left_eye"].head_local.x > 0
    assert head[BASIS_PROPERTY] == open_basis().hash


def test_head_is_at_rest_when_built(head: bpy.types.Object) -> None:
    assert all(block.value == 0.0 for block in head.data.shape_keys.key_blocks[1:])
    np.testing.assert_allclose(_evaluated(head), load_demo_head().vertices[:, [0, 2, 1]] * [100, 100, -100], atol=1e-3)


def test_mesh_passes_blenders_own_check(head: bpy.types.Object) -> None:
    # validate() answers True when it had to correct something
    assert not head.data.validate(verbose=True)


def test_evaluated_landmarks_equal_the_basis(head: bpy.types.Object) -> None:
    motion = _random_motion()
    key_motion(head, motion, first_frame=10)
    wanted = open_basis().landmarks(motion)
    for index in range(FRAMES):
        bpy.context.scene.frame_set(10 + index)
        found = load_demo_head().binding.points(_evaluated(head))
        assert np.linalg.norm(found - wanted[index], axis=1).max() < 0.03


def test_head_bone_turns_the_face_and_leaves_the_shoulders(head: bpy.types.Object) -> None:
    rest = _evaluated(head)
    neck = head.parent.pose.bones["neck"]
    neck.rotation_mode = "XYZ"
    neck.rotation_euler = (0.0, 0.5, 0.0)
    bpy.context.view_layer.update()
    turned = _evaluated(head)
    nose, shoulder = 1, int(rest[:, 0].argmax())
    # positive y turns the nose to the person's left
    assert turned[nose, 0] - rest[nose, 0] > 4.0
    assert np.abs(turned[shoulder] - rest[shoulder]).max() < 1e-3


def test_teeth_stay_behind_the_lips_through_speech(head: bpy.types.Object) -> None:
    arrays = load_demo_head()
    teeth = np.unique(arrays.faces[arrays.materials == arrays.material_names.index("teeth")][:, :3])
    lips = np.unique(arrays.faces[arrays.materials == arrays.material_names.index("lips")][:, :3])
    key_motion(head, _random_motion(), first_frame=1)
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        points = _evaluated(head)
        gap = points[teeth][:, None, :2] - points[lips][None, :, :2]
        nearest = (gap**2).sum(axis=2).argmin(axis=1)
        covered = (gap**2).sum(axis=2).min(axis=1) < 0.1**2
        assert (points[teeth, 2] - points[lips[nearest], 2])[covered].max(initial=-1.0) < 0.0
