# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs as people have them: parts, odd names, groups, controls, poses; and what hides a result is named."""

from __future__ import annotations

import dataclasses
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.blend_file import find_character
from core.blender.clear import clear_animation
from core.blender.correspond import store_binding
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.blender.rig_choice import choose_bone, choose_keys
from core.blender.rig_report import describe_rig
from core.errors import RigError
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders

FACE = face_fixtures.synthetic_face()
ARKIT = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthSmileRight", "cheekPuff")


def motion(rig: Any, level: float = 0.5) -> RigMotion:
    frames = 20
    turn = np.tile(np.array([0.2, 0.0, 0.0], np.float32), (frames, 1))
    values = np.full((frames, len(rig.key_names)), level, np.float32)
    return RigMotion(25.0, values, turn, turn, np.zeros((frames, 2, 3), np.float32), builders.FLAME_IN_BLENDER)


def plan(obj: bpy.types.Object, moved: RigMotion | None = None) -> CurvePlan:
    rig = read_rig(obj)
    existing = read_existing(obj, [part.object_name for part in rig.parts])
    return plan_curves(rig, moved or motion(rig), SceneTiming(25.0, 10.0), ApplySettings(), existing, "{}")


def arkit_head(name: str = "Face", keys: tuple[str, ...] = ARKIT) -> bpy.types.Object:
    choice = builders.RigChoice(key_names=keys, with_armature=False, name=name)
    return builders.build_rig(FACE, choice)


def part(name: str, keys: tuple[str, ...], place: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """A small mesh inside the head with keys that move it a little."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0.0, -0.01, 0.0), (0.01, -0.01, 0.0), (0.0, -0.01, 0.01)], [], [(0, 1, 2)])
    obj = bpy.data.objects.new(name, mesh)
    obj.location = place
    bpy.context.scene.collection.objects.link(obj)
    builders.add_keys(obj, keys, np.full((len(keys), 3, 3), 0.001))
    return obj


def value(obj: bpy.types.Object, key: str, frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return float(obj.data.shape_keys.key_blocks[key].value)


def test_teeth_tongue_and_lashes_of_their_own_are_keyed_along_and_listed() -> None:
    face = arkit_head()
    teeth = part("Teeth", ("jawOpen", "mouthClose"))
    lashes = part("Lashes", ("cheekPuff", "Hat"))
    stranger = part("Crate", ("Open",))
    made = plan(face)
    apply_plan(made, face)
    assert [value(teeth, "jawOpen", 15), value(lashes, "cheekPuff", 15), value(lashes, "Hat", 15)] == [0.5, 0.5, 0.0]
    assert value(teeth, "jawOpen", 200) == 0.0
    assert stranger.data.shape_keys.animation_data is None
    assert "Keyed along: Lashes, Teeth." in describe_rig(face)


def test_parts_that_spell_the_faces_keys_in_their_own_way_are_keyed_too() -> None:
    """Every mesh that Maya exports has its keys behind the name of its own deformer."""
    face = arkit_head(keys=tuple(f"head_bs.{name}" for name in ARKIT))
    teeth = part("Teeth", ("teeth_bs.jawOpen", "teeth_bs.mouthClose", "teeth_bs.jawOpen_fix"))
    lashes = part("Lashes", ("Cheek_Puff", "mouth_smile_l", "Open", "A"))
    face.data.shape_keys.key_blocks["head_bs.jawOpen"].value = 0.2
    before = {obj.name: [block.value for block in obj.data.shape_keys.key_blocks] for obj in (teeth, lashes)}
    made = plan(face)
    apply_plan(made, face)
    assert [value(teeth, f"teeth_bs.{name}", 15) for name in ("jawOpen", "mouthClose", "jawOpen_fix")] == [0.5, 0.5, 0]
    assert [value(lashes, name, 15) for name in ("Cheek_Puff", "mouth_smile_l", "Open", "A")] == [0.5, 0.5, 0.0, 0.0]
    assert value(teeth, "teeth_bs.jawOpen", 300) == pytest.approx(value(face, "head_bs.jawOpen", 300)) == 0.2
    assert "Keyed along: Lashes, Teeth." in describe_rig(face)
    clear_animation(face)
    assert {obj.name: [block.value for block in obj.data.shape_keys.key_blocks] for obj in (teeth, lashes)} == before


def test_parts_under_the_faces_armature_follow_and_another_character_does_not() -> None:
    face = builders.build_rig(FACE, builders.RigChoice(key_names=ARKIT, name="Face"))
    teeth = part("Teeth", ("jawOpen",))
    teeth.parent = find_armature(face)
    other = builders.build_rig(FACE, builders.RigChoice(key_names=ARKIT, name="Other"))
    apply_plan(plan(face), face)
    assert value(teeth, "jawOpen", 15) == 0.5
    assert other.data.shape_keys.animation_data is None


def test_a_second_head_beside_without_armatures_is_left_alone() -> None:
    face, other = arkit_head(), arkit_head("Other")
    other.location.x = 3.0
    apply_plan(plan(face), face)
    assert other.data.shape_keys.animation_data is None


@pytest.mark.parametrize("place", [(0.0, 0.0, 0.0), (0.03, -0.02, 0.03)], ids=["middle", "where an eye is"])
def test_an_eyeball_with_all_the_keys_is_refused_and_the_face_named(place: tuple[float, float, float]) -> None:
    face = arkit_head()
    eye = part("EyeLeft", ARKIT, place)
    for block in eye.data.shape_keys.key_blocks[2:]:
        for point, base in zip(block.data, eye.data.shape_keys.key_blocks[0].data, strict=True):
            point.co = base.co
    before = builders.snapshot()
    with pytest.raises(RigError, match=r'"EyeLeft" goes with a face .* move "Face"') as refused:
        read_rig(eye)
    assert 'Choose "Face"' in refused.value.hint
    assert builders.snapshot() == before
    assert find_character(None) == "Face"
    assert [found.object_name for found in read_rig(face).parts] == ["EyeLeft"]


def test_parts_whose_keys_are_driven_follow_their_drivers() -> None:
    face = arkit_head()
    teeth = part("Teeth", ("jawOpen",))
    driver = teeth.data.shape_keys.driver_add('key_blocks["jawOpen"].value').driver
    variable = driver.variables.new()
    variable.targets[0].id_type = "KEY"
    variable.targets[0].id = face.data.shape_keys
    variable.targets[0].data_path = 'key_blocks["jawOpen"].value'
    driver.expression = "var"
    apply_plan(plan(face), face)
    assert value(teeth, "jawOpen", 15) == pytest.approx(0.5)
    assert not read_rig(face).parts


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


def limit_jaw(obj: bpy.types.Object) -> None:
    find_armature(obj).pose.bones["jaw"].constraints.new("LIMIT_ROTATION")


def copy_head(obj: bpy.types.Object) -> None:
    find_armature(obj).pose.bones["neck"].constraints.new("COPY_ROTATION")


def move_jaw(obj: bpy.types.Object) -> None:
    find_armature(obj).pose.bones["jaw"].location = (0.0, 0.01, 0.0)


def modifier_off(obj: bpy.types.Object) -> None:
    obj.modifiers["Armature"].show_viewport = False


def modifier_off_in_renders(obj: bpy.types.Object) -> None:
    obj.modifiers["Armature"].show_render = False


def excluded(obj: bpy.types.Object) -> None:
    collection = bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(obj)
    bpy.context.scene.collection.objects.unlink(obj)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True


def hidden(obj: bpy.types.Object) -> None:
    obj.hide_viewport = True


def no_render(obj: bpy.types.Object) -> None:
    obj.hide_render = True


def muted(obj: bpy.types.Object) -> None:
    obj.data.shape_keys.key_blocks["Exp4"].mute = True


def pinned(obj: bpy.types.Object) -> None:
    obj.active_shape_key_index = 3
    obj.show_only_shape_key = True


def at_rest(obj: bpy.types.Object) -> None:
    find_armature(obj).data.pose_position = "REST"


def mirrored(obj: bpy.types.Object) -> None:
    obj.scale.x = -1.0


def to_nothing(obj: bpy.types.Object) -> None:
    obj.scale = (0.0, 0.0, 0.0)
    bpy.context.view_layer.update()


def cached(obj: bpy.types.Object) -> None:
    obj.modifiers.new("Alembic", "MESH_SEQUENCE_CACHE")


@pytest.mark.parametrize(
    ("hide", "sentence"),
    [
        (to_nothing, '"Head" is scaled to nothing'),
        (cached, 'modifier "Alembic" of "Head" plays points from a file'),
        (limit_jaw, 'jaw bone "jaw" has the constraint "Limit Rotation"'),
        (copy_head, 'neck bone "neck" has the constraint "Copy Rotation"'),
        (move_jaw, 'jaw bone "jaw" is moved from its place'),
        (modifier_off, 'Armature modifier of "Head" is off in the viewport'),
        (modifier_off_in_renders, 'Armature modifier of "Head" is off in the render'),
        (excluded, "excluded from the view layer"),
        (hidden, '"Head" is hidden'),
        (no_render, "switched off for rendering"),
        (muted, '1 expression key of "Head" is muted (first: Exp4)'),
        (pinned, "shows only its active shape key"),
        (at_rest, "rest position"),
        (mirrored, '"Head" is mirrored'),
    ],
)
def test_what_hides_the_result_is_named_before_the_run(hide: Any, sentence: str) -> None:
    obj = builders.build_rig(FACE)
    assert not any(sentence in line for line in describe_rig(obj))
    hide(obj)
    assert any(sentence in line for line in describe_rig(obj)), describe_rig(obj)


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


def test_teeth_under_the_jaw_bone_are_listed_as_moving_with_the_bones() -> None:
    obj = builders.build_rig(FACE)
    armature = find_armature(obj)
    mesh = bpy.data.meshes.new("Teeth")
    mesh.from_pydata([(0.0, -0.01, 0.0), (0.01, -0.01, 0.0), (0.0, -0.01, 0.01)], [], [(0, 1, 2)])
    teeth = bpy.data.objects.new("Teeth", mesh)
    bpy.context.scene.collection.objects.link(teeth)
    teeth.parent, teeth.parent_type, teeth.parent_bone = armature, "BONE", "jaw"
    bpy.context.view_layer.update()
    joint = armature.data.bones["jaw"].matrix_local @ Matrix.Translation((0, armature.data.bones["jaw"].length, 0))
    teeth.matrix_parent_inverse = joint.inverted()
    assert "Moves with the bones: Teeth." in describe_rig(obj)
    apply_plan(plan(obj), obj)
    bpy.context.scene.frame_set(5)
    still = np.array(teeth.matrix_world)
    bpy.context.scene.frame_set(15)
    assert np.abs(np.array(teeth.matrix_world) - still).max() > 0.001
