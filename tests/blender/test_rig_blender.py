# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading rigs in a real Blender, refusing bad ones without a trace, and bones that turn as FLAME says."""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.correspond import load_binding, store_binding
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.errors import RigError
from core.face.rotations import matrix_from_rotvec
from core.rig.plan import ApplySettings, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders

FACE = face_fixtures.synthetic_face()
FRAMES: tuple[builders.Frame, ...] = ("flame", "smplx_y_up", "rolled")
MODES = ("QUATERNION", "XYZ", "ZYX", "YXZ", "AXIS_ANGLE")


def turning_motion(keys: int, frames: int = 5) -> RigMotion:
    """Key values and large jaw rotations about all axes, head at rest."""
    rng = np.random.default_rng(5)
    return RigMotion(
        fps=25.0,
        key_values=rng.normal(0, 0.8, (frames, keys)).astype(np.float32),
        jaw=rng.normal(0, 0.25, (frames, 3)).astype(np.float32),
        head=np.zeros((frames, 3), np.float32),
        eyes=np.zeros((frames, 2, 3), np.float32),
        flame_to_object=builders.FLAME_IN_BLENDER,
    )


def expected_vertices(motion: RigMotion, frame: int, keys: np.ndarray) -> np.ndarray:
    """Keys, then linear blend skinning by the jaw, in the basis' axes and centimetres."""
    shaped = FACE.vertices + np.tensordot(motion.key_values[frame], keys, axes=1)
    turn = matrix_from_rotvec(motion.jaw[frame]) - np.eye(3)
    arm = shaped - face_fixtures.JAW_HINGE_CM
    return shaped + (arm @ turn.T) * face_fixtures.jaw_share(FACE.vertices)[:, None]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("mode", MODES)
def test_flame_rotation_on_bone_equals_skinning_in_numpy(frame: builders.Frame, mode: str) -> None:
    obj = builders.build_rig(FACE, builders.RigChoice(frame=frame, rotation_mode=mode))
    rig = read_rig(obj)
    motion = turning_motion(len(rig.key_names))
    if frame == "smplx_y_up":
        motion = dataclasses.replace(motion, flame_to_object=np.eye(3))
    plan = plan_curves(rig, motion, SceneTiming(25.0, 1.0), ApplySettings(), read_existing(obj), "{}")
    apply_plan(plan, obj)
    keys = face_fixtures.bumps(FACE.vertices, len(rig.key_names), 11)
    for index in range(len(motion)):
        bpy.context.scene.frame_set(1 + index)
        # every frame's rig ends up as metres, Z up, facing -Y in the world
        world = 0.01 * expected_vertices(motion, index, keys) @ builders.FLAME_IN_BLENDER.T
        np.testing.assert_allclose(builders.evaluated_vertices(obj), world, atol=2e-6)
    assert find_armature(obj).pose.bones["jaw"].rotation_mode == mode


def test_mesh_and_armature_in_different_spaces_turn_about_the_same_joint() -> None:
    """The mesh in centimetres, Y up; its armature in metres, Z up, moved aside; joined by the modifier only."""
    obj = builders.build_rig(FACE, builders.RigChoice(frame="smplx_y_up", with_armature=False))
    donor = builders.build_rig(FACE, builders.RigChoice(name="Donor"))
    armature = find_armature(donor)
    bpy.data.objects.remove(donor)
    aside = Matrix.Translation((1.0, 2.0, 3.0)) @ Matrix.Rotation(0.5, 4, "Z")
    armature.matrix_world = aside
    obj.matrix_world = aside @ Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4)
    builders.skin(obj, armature, face_fixtures.jaw_share(FACE.vertices), parent=False)
    rig = read_rig(obj)
    motion = dataclasses.replace(turning_motion(len(rig.key_names)), flame_to_object=np.eye(3))
    plan = plan_curves(rig, motion, SceneTiming(25.0, 1.0), ApplySettings(), read_existing(obj), "{}")
    apply_plan(plan, obj)
    keys = face_fixtures.bumps(FACE.vertices, len(rig.key_names), 11)
    bpy.context.scene.frame_set(3)
    world = 0.01 * expected_vertices(motion, 2, keys) @ builders.FLAME_IN_BLENDER.T
    turn, shift = np.array(aside)[:3, :3], np.array(aside)[:3, 3]
    np.testing.assert_allclose(builders.evaluated_vertices(obj), world @ turn.T + shift, atol=5e-6)


def test_head_motion_goes_to_smplx_head_and_to_flame_neck() -> None:
    flame = read_rig(builders.build_rig(FACE))
    smplx = read_rig(builders.build_rig(FACE, builders.RigChoice(with_head_bone=True, name="Other")))
    assert (flame.head_bone, flame.neck_bone) == ("neck", "neck")
    assert (smplx.head_bone, smplx.neck_bone) == ("head", "neck")


def test_read_rig_gives_what_was_built() -> None:
    obj = builders.build_rig(FACE, builders.RigChoice(key_names=builders.smplx_names(12)))
    rig = read_rig(obj)
    assert rig.key_names == builders.smplx_names(12)
    expected = face_fixtures.bumps(FACE.vertices, 12, 11) @ (0.01 * builders.FLAME_IN_BLENDER).T
    np.testing.assert_allclose(rig.key_deltas, expected, atol=1e-6)
    np.testing.assert_allclose(rig.jaw_weights, face_fixtures.jaw_share(FACE.vertices), atol=1e-6)
    np.testing.assert_array_equal(rig.triangles, FACE.triangles)
    assert (rig.jaw_bone, rig.left_eye_bone, rig.armature_name) == ("jaw", "left_eye", "HeadRig")


def test_identity_keys_of_the_artist_belong_to_the_neutral_face() -> None:
    obj = builders.build_rig(FACE)
    block = obj.shape_key_add(name="Shape1", from_mix=False)
    block.data[0].co.x += 0.5
    block.value = 0.5
    moved = read_rig(obj).vertices[0] - np.array(obj.data.shape_keys.reference_key.data[0].co)
    np.testing.assert_allclose(moved, [0.25, 0, 0], atol=1e-6)


def test_rig_without_armature_is_a_warning_only() -> None:
    rig = read_rig(builders.build_rig(FACE, builders.RigChoice(with_armature=False)))
    assert rig.jaw_bone is None
    assert any("has no armature" in warning for warning in rig.warnings)


def test_hidden_mesh_is_a_warning() -> None:
    obj = builders.build_rig(FACE)
    obj.hide_set(True)
    assert any("is hidden" in warning for warning in read_rig(obj).warnings)


def test_stored_binding_returns_and_ends_with_the_topology() -> None:
    obj = builders.build_rig(FACE)
    binding = builders.own_binding(FACE)
    assert load_binding(obj, FACE.triangles) is None
    store_binding(obj, binding)
    stored = load_binding(obj, FACE.triangles)
    assert stored is not None
    np.testing.assert_array_equal(stored.triangles, binding.triangles)
    np.testing.assert_array_equal(stored.barycentric, binding.barycentric)
    assert read_rig(obj).binding is not None
    obj.data.vertices.add(1)
    assert load_binding(obj, FACE.triangles) is None


def plain_cube() -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object


def cube_with_other_keys() -> bpy.types.Object:
    obj = plain_cube()
    for name in ("Basis", "Smile", "Frown"):
        obj.shape_key_add(name=name)
    return obj


def rig_in_edit_mode() -> bpy.types.Object:
    obj = builders.build_rig(FACE)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    return obj


def rig_sharing_its_mesh() -> bpy.types.Object:
    obj = builders.build_rig(FACE)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Twin", obj.data))
    return obj


def rig_with_a_gap() -> bpy.types.Object:
    return builders.build_rig(FACE, builders.RigChoice(key_names=("Exp1", "Exp2", "Exp4")))


def rig_with_absolute_keys() -> bpy.types.Object:
    obj = builders.build_rig(FACE)
    obj.data.shape_keys.use_relative = False
    return obj


def empty_object() -> bpy.types.Object:
    obj = bpy.data.objects.new("Marker", None)
    bpy.context.scene.collection.objects.link(obj)
    return obj


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (plain_cube, r'The mesh "Cube" has no shape keys'),
        (cube_with_other_keys, r'The mesh "Cube" has no expression keys; its 2 shape keys are Smile, Frown'),
        (rig_in_edit_mode, r'"Head" is in Edit Mode'),
        (rig_sharing_its_mesh, r'"Head" shares its mesh with "Twin"'),
        (rig_with_a_gap, r'"Head" have a gap: Exp1..Exp4 lack index 3'),
        (rig_with_absolute_keys, r'"Head" are absolute'),
        (empty_object, r'"Marker" is not a mesh'),
    ],
)
def test_refusal_names_the_object_and_leaves_the_scene_alone(build, sentence: str) -> None:  # type: ignore[no-untyped-def]
    obj = build()
    before = builders.snapshot()
    with pytest.raises(RigError, match=sentence) as refused:
        read_rig(obj)
    assert refused.value.hint
    assert builders.snapshot() == before


def test_no_mesh_is_refused() -> None:
    with pytest.raises(RigError, match="No mesh is chosen"):
        read_rig(None)


def test_linked_mesh_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    builders.build_rig(FACE)
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, target):
        target.objects = ["Head"]
    obj = target.objects[0]
    bpy.context.scene.collection.objects.link(obj)
    with pytest.raises(RigError, match=r'"Head" is linked from .*library\.blend'):
        read_rig(obj)
