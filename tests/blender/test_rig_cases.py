# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs as people have them: odd names, groups, controls, poses."""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.correspond import store_binding
from core.blender.read_rig import read_rig
from core.blender.rig_choice import choose_bone, choose_keys
from core.blender.rig_report import describe_rig
from core.errors import RigError
from tests import face_fixtures
from tests.blender import builders
from tests.blender.rig_planned import ARKIT, FACE, arkit_head, motion, plan, value


def test_a_keys_vertex_group_counts() -> None:
    obj = builders.build_rig(FACE)
    group = obj.vertex_groups.new(name="left")
    group.add([0, 1, 2], 0.25, "REPLACE")
    whole = read_rig(obj).key_deltas[0]
    obj.data.shape_keys.key_blocks["Exp1"].vertex_group = "left"
    cut = read_rig(obj).key_deltas[0]
    np.testing.assert_allclose(cut[:3], 0.25 * whole[:3], atol=1e-8)
    assert not cut[3:].any()
    obj.data.shape_keys.key_blocks["Exp1"].value = 1.0
    before = np.array([v.co for v in obj.data.vertices])
    obj.modifiers.clear()
    moved = builders.evaluated_vertices(obj)
    np.testing.assert_allclose(moved, before + cut, atol=1e-6)


def test_bones_named_by_hand_are_keyed() -> None:
    obj = builders.build_rig(FACE)
    bones = find_armature(obj).data.bones
    bones["jaw"].name, bones["neck"].name = "Bone.007", "Hals"
    unknown = read_rig(obj)
    assert (unknown.jaw_bone, unknown.head_bone) == (None, None)
    assert any("name it in the Face Rig panel" in warning for warning in unknown.warnings)
    left_out = plan(obj)
    assert not left_out.curves_of("armature")
    assert any("Name the bone in the Face Rig panel" in warning for warning in left_out.warnings)
    choose_bone(obj, "jaw", "Bone.007")
    choose_bone(obj, "head", "Hals")
    paths = {curve.path.split('"')[1] for curve in plan(obj).curves_of("armature")}
    assert paths == {"Bone.007", "Hals"}


def test_a_bone_that_is_not_there_is_refused_by_name() -> None:
    obj = builders.build_rig(FACE)
    choose_bone(obj, "left_eye", "Auge")
    before = builders.snapshot()
    with pytest.raises(RigError, match='"Auge" is named as the left eye bone of "Head"'):
        read_rig(obj)
    assert builders.snapshot() == before


def test_a_bodys_root_is_not_turned() -> None:
    obj = builders.build_rig(FACE)
    bones = find_armature(obj).data.bones
    bones["neck"].name, bones["jaw"].name = "Bone.001", "Bone.002"
    rig = read_rig(obj)
    assert rig.head_bone is None
    assert not plan(obj).curves_of("armature")


def test_keys_said_by_hand_stay_on_the_object_through_a_copy() -> None:
    obj = arkit_head(keys=("Auf", "Zu", "Hut"))
    with pytest.raises(RigError, match="its 3 shape keys are Auf, Zu, Hut"):
        read_rig(obj)
    choose_keys(obj, {"Auf": "jawOpen", "Zu": "mouthClose"})
    copy = obj.copy()
    copy.data = obj.data.copy()
    assert read_rig(copy).key_meanings == ("jawOpen", "mouthClose")


def test_keys_of_unknown_names_are_chosen_by_what_they_do_once_the_lips_are_known() -> None:
    names = tuple(f"pose_{index:02d}_x" for index in range(8))
    obj = arkit_head(keys=names)
    store_binding(obj, builders.own_binding(FACE))
    keys = obj.data.shape_keys
    deltas = {}
    from core.face import landmarks as lm

    for index, name in enumerate(names):
        moved = np.zeros((len(FACE.vertices), 3))
        # five mouth shapes, then a nose, a fat face and a key that does nothing
        points = lm.LIPS if index < 5 else np.arange(lm.LANDMARK_COUNT) if index == 6 else lm.STABLE[:3]
        if index != 7:
            moved.reshape(-1, 3, 3)[points] = 0.01 * np.eye(3)[index % 3]
        deltas[name] = moved
        flat = np.array([point.co for point in keys.reference_key.data]) + moved
        keys.key_blocks[name].data.foreach_set("co", flat.ravel().astype(np.float32))
    rig = read_rig(obj)
    assert rig.key_names == names[:5]
    assert any("names of this rig's keys say nothing; 5 keys" in warning for warning in rig.warnings)


def test_the_armature_with_the_face_counts_not_the_first_modifier() -> None:
    obj = builders.build_rig(FACE)
    face_rig = find_armature(obj)
    data = bpy.data.armatures.new("Cloth")
    cloth = bpy.data.objects.new("Cloth", data)
    bpy.context.scene.collection.objects.link(cloth)
    bpy.context.view_layer.objects.active = cloth
    bpy.ops.object.mode_set(mode="EDIT")
    data.edit_bones.new("hem").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.modifiers.clear()
    for armature in (cloth, face_rig):
        obj.modifiers.new(armature.name, "ARMATURE").object = armature
    assert find_armature(obj) == face_rig
    assert any('"HeadRig" has the bones of the face' in warning for warning in read_rig(obj).warnings)
    apply_plan(plan(obj), obj)
    bpy.context.scene.frame_set(15)
    assert face_rig.pose.bones["jaw"].rotation_quaternion.x == pytest.approx(np.sin(0.1), abs=1e-5)


@pytest.mark.parametrize("turned", [False, True])
def test_a_head_that_hangs_on_a_turned_bone_still_nods(turned: bool) -> None:
    obj = builders.build_rig(FACE)
    armature = find_armature(obj)
    obj.modifiers.clear()
    obj.parent, obj.parent_type, obj.parent_bone = armature, "BONE", "neck"
    bpy.context.view_layer.update()
    bone = armature.data.bones["neck"]
    obj.matrix_parent_inverse = (bone.matrix_local @ Matrix.Translation((0, bone.length, 0))).inverted()
    if turned:
        armature.pose.bones["neck"].rotation_quaternion = Quaternion(Vector((0.3, 1.0, 0.2)), 0.6)
    rig = read_rig(obj)
    np.testing.assert_allclose(rig.object_to_armature, np.eye(4), atol=1e-6)
    made = plan(obj)
    quaternion = [curve.values[10] for curve in made.curves if curve.path == 'pose.bones["neck"].rotation_quaternion']
    np.testing.assert_allclose(quaternion, [np.cos(0.1), np.sin(0.1), 0, 0], atol=1e-6)


def test_a_deform_bone_that_copies_a_control_leaves_the_control_to_be_keyed() -> None:
    obj = builders.build_rig(FACE)
    armature = find_armature(obj)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    control = bones.new("jaw_master")
    control.head, control.tail, control.roll = bones["jaw"].head, bones["jaw"].tail, bones["jaw"].roll
    control.parent = bones["neck"]
    bones["jaw"].name = "DEF-jaw"
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.data.bones["jaw_master"].use_deform = False
    constraint = armature.pose.bones["DEF-jaw"].constraints.new("COPY_TRANSFORMS")
    constraint.target, constraint.subtarget = armature, "jaw_master"
    rig = read_rig(obj)
    assert rig.jaw_bone == "jaw_master"
    np.testing.assert_allclose(rig.jaw_weights, face_fixtures.jaw_share(FACE.vertices), atol=1e-6)
    made = plan(obj)
    assert 'pose.bones["jaw_master"].rotation_quaternion' in {curve.path for curve in made.curves}
    assert not any("constraint" in warning for warning in made.warnings)
    apply_plan(made, obj)
    rest = np.array(armature.data.bones["DEF-jaw"].matrix_local)
    bpy.context.scene.frame_set(15)
    assert np.abs(np.array(armature.pose.bones["DEF-jaw"].matrix) - rest).max() > 0.05


@pytest.mark.parametrize("place", [float("nan"), float("inf"), 1e20])
def test_a_damaged_key_is_left_out_and_named(place: float) -> None:
    obj = arkit_head()
    obj.data.shape_keys.key_blocks["cheekPuff"].data[5].co = (place, 0.0, 0.0)
    rig = read_rig(obj)
    assert "cheekPuff" not in rig.key_names
    assert len(rig.key_names) == len(rig.key_deltas) == len(ARKIT) - 1
    assert np.isfinite(rig.key_deltas).all()
    assert any("damaged" in warning and "cheekPuff" in warning for warning in rig.warnings)
    assert not any("drivers control them" in warning for warning in rig.warnings)


def test_a_rig_of_visemes_alone_is_keyed_and_says_what_it_lacks() -> None:
    names = tuple(f"viseme_{name}" for name in ("PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "O"))
    obj = arkit_head(keys=names)
    lines = describe_rig(obj)
    assert lines[0].startswith("Oculus visemes: 12 keys")
    assert any("12 mouth shapes and no others" in line for line in lines)
    apply_plan(plan(obj), obj)
    assert value(obj, "viseme_aa", 15) == 0.5


def test_the_match_is_the_same_in_every_spelling() -> None:
    spelled = tuple(name.replace("Left", ".L").replace("Right", ".R") for name in ARKIT)
    obj = arkit_head(keys=spelled)
    assert read_rig(obj).key_meanings == ARKIT
    made = plan(obj, dataclasses.replace(motion(read_rig(obj))))
    assert len(made.curves_of("key")) == len(ARKIT)
