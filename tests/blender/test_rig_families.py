# SPDX-License-Identifier: GPL-3.0-or-later
"""Every family of face rigs from its names to evaluated lips, in odd orders, sizes and places."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.clear import clear_animation
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.blender.rig_report import describe_rig
from core.errors import RigError
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import prepare_solver
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders, named_faces
from tests.blender.named_faces import Placing, named_head, opening_of
from tests.rig_key_names import ARKIT, CONVENTION_NAMES

pytestmark = pytest.mark.slow
FACE = face_fixtures.synthetic_face()
MOTION = named_faces.talking(FACE)
WANTED = np.linalg.norm(FACE.basis.landmarks(MOTION)[:, 13] - FACE.basis.landmarks(MOTION)[:, 14], axis=1)
FAMILIES: dict[str, list[str]] = {
    **CONVENTION_NAMES,
    "ARKit": ARKIT,
    "Preston Blair mouths": ["AI", "E", "O", "U", "etc", "FV", "L", "MBP", "WQ", "rest"],
    "Rhubarb mouths": [f"Mouth_{letter}" for letter in "ABCDEFGHX"],
    "Mixamo": [
        "Blink_Left",
        "Blink_Right",
        "MouthOpen",
        "Smile_Left",
        "Smile_Right",
        "LowerLipDown_Left",
        "LowerLipDown_Right",
        "MouthNarrow_Left",
        "MouthNarrow_Right",
        "LowerLipIn",
        "UpperLipOut",
        "Jaw_Up",
    ],
    "Daz": [
        "eCTRLMouthOpen",
        *(f"eCTRLv{name}" for name in ("AA", "EE", "EH", "F", "M", "OW", "UW", "W", "S", "TH")),
        "eCTRLEyesClosedL",
        "eCTRLEyesClosedR",
    ],
}


def key_and_apply(obj: bpy.types.Object) -> tuple[CurvePlan, np.ndarray]:
    """The plan and the opening of the evaluated mouth, frame by frame."""
    rig = read_rig(obj)
    solved = prepare_solver(rig, FACE.basis).solve(MOTION)
    existing = read_existing(obj, [part.object_name for part in rig.parts], rig.control_owners)
    plan = plan_curves(rig, solved, SceneTiming(25.0, 10.0), ApplySettings(), existing, "{}")
    apply_plan(plan, obj)
    openings = []
    for frame in range(10, 10 + len(MOTION)):
        bpy.context.scene.frame_set(frame)
        openings.append(opening_of(obj))
    return plan, np.array(openings)


def correlation(openings: np.ndarray) -> float:
    return float(np.corrcoef(openings, np.maximum(WANTED, 0.0))[0, 1])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_mouth_of_every_family_opens_and_shuts_with_the_motion(family: str) -> None:
    names = list(np.random.default_rng(7).permutation(FAMILIES[family]))
    obj = named_head(FACE, names)
    assert read_rig(obj).convention.label == family
    plan, openings = key_and_apply(obj)
    assert correlation(openings) > 0.97
    assert openings.min() < 0.1 * openings.max()
    values = np.concatenate([curve.values for curve in plan.curves_of("key")])
    assert 0.0 <= values.min() <= values.max() <= 1.0
    assert not any("Body_Fat" in curve.path for curve in plan.curves)


@pytest.mark.parametrize(
    "placing",
    [
        Placing(unit=1.0, scale=0.01),
        Placing(unit=0.0001, scale=100.0),
        Placing(turn_degrees=130.0),
        Placing(unit=0.001, scale=10.0, turn_degrees=-70.0, parented=True),
        Placing(unit=100.0),
    ],
    ids=["centimetres", "tiny mesh", "turned", "parented", "giant"],
)
def test_size_and_place_of_a_head_do_not_matter(placing: Placing) -> None:
    plan, openings = key_and_apply(named_head(FACE, ARKIT, placing=placing))
    first = {curve.path: np.array(curve.values) for curve in plan.curves}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    plain, plain_openings = key_and_apply(named_head(FACE, ARKIT))
    for curve in plain.curves:
        # which of two opposed keys gives way is decided by rounding where they are as strong
        np.testing.assert_allclose(first[curve.path], curve.values, atol=5e-3)
    np.testing.assert_allclose(openings, plain_openings, atol=2e-3)


def test_keys_of_two_tools_in_one_mesh_complete_each_other() -> None:
    names = [f"bs_{name}" if index % 3 else name for index, name in enumerate(ARKIT)]
    obj = named_head(FACE, [*names, "jawOpen_mouthSmileLeft", "mouthPucker_fix"])
    rig = read_rig(obj)
    assert len(rig.key_names) == 43
    assert not {"jawOpen_mouthSmileLeft", "mouthPucker_fix"} & set(rig.key_names)
    assert correlation(key_and_apply(obj)[1]) > 0.97


def test_a_reference_key_that_is_not_first_is_no_expression() -> None:
    obj = named_head(FACE, ARKIT)
    keys = obj.data.shape_keys
    obj.active_shape_key_index = keys.key_blocks.find("jawOpen")
    bpy.context.view_layer.objects.active = obj
    # Blender takes whatever key stands on top for the reference: jawOpen does now
    bpy.ops.object.shape_key_move(type="TOP")
    bpy.ops.object.shape_key_move(type="UP")
    rig = read_rig(obj)
    assert keys.reference_key.name not in rig.key_names


def drive(obj: bpy.types.Object, name: str, target: bpy.types.Object, by: str = "") -> None:
    driver = obj.data.shape_keys.driver_add(f'key_blocks["{name}"].value').driver
    variable = driver.variables.new()
    variable.targets[0].id, variable.targets[0].data_path = target, f'["{by or name}"]'
    driver.expression = variable.name


def two_armatures(obj: bpy.types.Object) -> None:
    for name in ("Left", "Right"):
        rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
        bpy.context.scene.collection.objects.link(rig)
        obj.modifiers.new(name, "ARMATURE").object = rig


def group_on_a_key(obj: bpy.types.Object) -> None:
    group = obj.vertex_groups.new(name="lower half")
    group.add([i for i, v in enumerate(FACE.vertices) if v[1] < 0], 1.0, "REPLACE")
    for name in ("jawOpen", "mouthSmileLeft"):
        obj.data.shape_keys.key_blocks[name].vertex_group = "lower half"


def one_driven_key(obj: bpy.types.Object) -> None:
    obj["cheekPuff"] = 0.5
    drive(obj, "cheekPuff", obj)


@pytest.mark.parametrize("change", [two_armatures, group_on_a_key, one_driven_key])
def test_what_is_beside_the_mouth_does_not_stop_it(change: Any) -> None:
    obj = named_head(FACE, ARKIT)
    change(obj)
    assert correlation(key_and_apply(obj)[1]) > 0.97


def with_controls(obj: bpy.types.Object) -> bpy.types.Object:
    """The armature with a control for each key: properties, bone properties, bones that are moved."""
    armature = find_armature(obj)
    for index, name in enumerate(ARKIT):
        driver = obj.data.shape_keys.driver_add(f'key_blocks["{name}"].value').driver
        variable = driver.variables.new()
        variable.name = "control"
        variable.targets[0].id = armature
        if index % 3 == 0:
            armature[name] = 0.25
            variable.targets[0].data_path, driver.expression = f'["{name}"]', "control"
        elif index % 3 == 1:
            armature.pose.bones["neck"][name] = 0.0
            variable.targets[0].data_path = f'pose.bones["neck"]["{name}"]'
            driver.type = "SUM"
        else:
            bone = control_bone(armature, name)
            variable.type = "TRANSFORMS"
            target = variable.targets[0]
            target.bone_target, target.transform_type, target.transform_space = bone, "LOC_X", "LOCAL_SPACE"
            driver.expression = "control * 50"
    return armature


def control_bone(armature: bpy.types.Object, name: str) -> str:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.data.edit_bones.new(f"CTRL {name}")
    bone.head, bone.tail = (0.3, 0.0, 0.0), (0.3, 0.0, 0.05)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.data.bones[f"CTRL {name}"].use_deform = False
    return f"CTRL {name}"


def test_a_face_that_controls_drive_is_keyed_by_its_controls() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    armature = with_controls(obj)
    before = builders.snapshot()
    assert any("Keyed by their controls: browDownLeft by browDownLeft" in line for line in describe_rig(obj))
    plan, openings = key_and_apply(obj)
    assert correlation(openings) > 0.97
    assert not plan.curves_of("key")
    assert obj.data.shape_keys.animation_data.action is None
    bpy.context.scene.frame_set(500)
    assert armature["browDownLeft"] == pytest.approx(0.25)
    clear_animation(obj)
    bpy.context.scene.frame_set(1)
    assert armature["browDownLeft"] == pytest.approx(0.25)
    assert builders.snapshot()["keys"] == before["keys"]


def test_controls_that_cannot_be_told_are_named() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    armature = with_controls(obj)
    drivers = obj.data.shape_keys.animation_data.drivers
    for name, expression in (("cheekPuff", "max(control, 0) ** 2"), ("jawForward", "control + 0.1")):
        driver = drivers.find(f'key_blocks["{name}"].value').driver
        driver.type, driver.expression = "SCRIPTED", expression
    # two keys by one control: moving it for the one moves the other
    armature["sneer"] = 0.0
    for name in ("noseSneerLeft", "noseSneerRight"):
        driver = drivers.find(f'key_blocks["{name}"].value').driver
        driver.variables[0].type = "SINGLE_PROP"
        driver.variables[0].targets[0].id, driver.variables[0].targets[0].data_path = armature, '["sneer"]'
        driver.type, driver.expression = "SCRIPTED", "control"
    rig = read_rig(obj)
    assert not {"cheekPuff", "jawForward", "noseSneerLeft", "noseSneerRight"} & set(rig.key_names)
    assert any("4 expression keys" in warning and "drivers control them" in warning for warning in rig.warnings)
    assert correlation(key_and_apply(obj)[1]) > 0.97


def with_a_panel(obj: bpy.types.Object, pairs: tuple[tuple[str, str], ...]) -> bpy.types.Object:
    """Another armature with a bone for each key, as rigs with a face panel have: ``pairs`` have a side each of one."""
    panel = bpy.data.objects.new("Panel", bpy.data.armatures.new("Panel"))
    bpy.context.scene.collection.objects.link(panel)
    bone_of = {name: name for name in ARKIT} | {second: first for first, second in pairs}
    bpy.context.view_layer.objects.active = panel
    bpy.ops.object.mode_set(mode="EDIT")
    for index, name in enumerate(dict.fromkeys(bone_of.values())):
        bone = panel.data.edit_bones.new(f"CTRL {name}")
        bone.head, bone.tail = (0.02 * index, 0.0, 0.0), (0.02 * index, 0.0, 0.01)
    bpy.ops.object.mode_set(mode="OBJECT")
    for index, name in enumerate(ARKIT):
        driver = obj.data.shape_keys.driver_add(f'key_blocks["{name}"].value').driver
        variable = driver.variables.new()
        variable.name = "way"
        target = variable.targets[0]
        target.id, variable.type = panel, "TRANSFORMS"
        target.bone_target, target.transform_space = f"CTRL {bone_of[name]}", "LOCAL_SPACE"
        target.transform_type = "LOC_Y"
        minus = "-" if bone_of[name] != name else ""
        driver.expression = f"clamp({minus}way * 50, 0, 1)" if index % 2 else f"max({minus}way / 0.02, 0)"
    return panel


PAIRS = (("mouthSmileLeft", "mouthFrownLeft"), ("mouthSmileRight", "mouthFrownRight"), ("jawLeft", "jawRight"))


def test_a_face_that_a_panel_on_another_armature_drives_is_keyed_there() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    panel = with_a_panel(obj, PAIRS)
    panel.pose.bones["CTRL cheekPuff"].location.y = 0.004
    before = builders.snapshot()
    assert any("Keyed by their controls:" in line and "location of Panel" in line for line in describe_rig(obj))
    plan, openings = key_and_apply(obj)
    assert correlation(openings) > 0.97
    assert not plan.curves_of("key")
    keyed = [curve.path for curve in plan.curves_of("object:Panel")]
    assert len(keyed) == len(set(keyed)) == len(read_rig(obj).key_names) - len(PAIRS)
    assert {f'pose.bones["CTRL {name}"].location' for name in ("jawOpen", "mouthSmileLeft", "jawLeft")} <= set(keyed)
    bpy.context.scene.frame_set(500)
    assert panel.pose.bones["CTRL cheekPuff"].location.y == pytest.approx(0.004)
    clear_animation(obj)
    bpy.context.scene.frame_set(1)
    assert panel.pose.bones["CTRL cheekPuff"].location.y == pytest.approx(0.004)
    assert panel.animation_data.action is None
    assert builders.snapshot()["keys"] == before["keys"]


def test_a_panel_that_turns_and_one_with_a_slider_for_how_much_are_keyed_too() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    panel = with_a_panel(obj, ())
    panel["amount"] = 0.5
    for driver in (curve.driver for curve in obj.data.shape_keys.animation_data.drivers):
        first = driver.variables[0]
        target = first.targets[0]
        if target.bone_target in ("CTRL jawOpen", "CTRL mouthFunnel"):
            panel.pose.bones[target.bone_target].rotation_mode = "XYZ"
            target.transform_type, driver.expression = "ROT_X", "way * 2"
        if target.bone_target == "CTRL mouthClose":
            second = driver.variables.new()
            second.name, second.targets[0].id, second.targets[0].data_path = "amount", panel, '["amount"]'
            driver.expression = "max(way * 100 * amount, 0)"
    rig = read_rig(obj)
    assert rig.controls["jawOpen"].path == 'pose.bones["CTRL jawOpen"].rotation_euler'
    assert rig.controls["mouthClose"].factor == pytest.approx(50.0)
    assert correlation(key_and_apply(obj)[1]) > 0.97


def test_a_key_that_the_jaw_itself_drives_follows_the_jaw() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    armature = find_armature(obj)
    armature.pose.bones["jaw"].rotation_mode = "XYZ"
    driver = obj.data.shape_keys.driver_add('key_blocks["cheekPuff"].value').driver
    variable = driver.variables.new()
    variable.type, target = "TRANSFORMS", variable.targets[0]
    target.id, target.bone_target, target.transform_space = armature, "jaw", "LOCAL_SPACE"
    target.transform_type, driver.expression = "ROT_X", f"max({variable.name}, 0)"
    rig = read_rig(obj)
    assert not rig.controls
    assert "cheekPuff" not in rig.key_names
    assert any("drivers control them: cheekPuff" in warning for warning in rig.warnings)


def test_an_artists_own_animation_of_the_panel_is_not_lost() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    panel = with_a_panel(obj, PAIRS)
    bone = panel.pose.bones["CTRL jawOpen"]
    bone.location.y = 0.01
    bone.keyframe_insert("location", frame=900)
    acted = panel.animation_data.action
    with pytest.raises(RigError, match="Panel"):
        key_and_apply(obj)
    assert panel.animation_data.action == acted


def test_three_keys_of_one_bone_of_the_panel_are_left_out_and_named() -> None:
    obj = named_head(FACE, ARKIT, with_armature=True)
    with_a_panel(obj, (("cheekPuff", "noseSneerLeft"), ("cheekPuff", "noseSneerRight")))
    rig = read_rig(obj)
    assert not {"cheekPuff", "noseSneerLeft", "noseSneerRight"} & set(rig.key_names)
    assert any("3 expression keys" in warning and "drivers control them" in warning for warning in rig.warnings)


def absolute(obj: bpy.types.Object) -> None:
    obj.data.shape_keys.use_relative = False


def all_driven(obj: bpy.types.Object) -> None:
    obj["mood"] = 0.0
    for name in ARKIT:
        drive(obj, name, obj, "mood")


def shared_mesh(obj: bpy.types.Object) -> None:
    twin = bpy.data.objects.new("Twin", obj.data)
    bpy.context.scene.collection.objects.link(twin)


def mirrored_data(obj: bpy.types.Object) -> None:
    for block in obj.data.shape_keys.key_blocks:
        flat = np.array([point.co for point in block.data], np.float32) * np.array([-1, 1, 1], np.float32)
        block.data.foreach_set("co", flat.ravel())


def still_keys(obj: bpy.types.Object) -> None:
    base = [point.co.copy() for point in obj.data.shape_keys.reference_key.data]
    for block in obj.data.shape_keys.key_blocks:
        for point, place in zip(block.data, base, strict=True):
            point.co = place


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (absolute, "absolute"),
        (all_driven, "Drivers control"),
        (shared_mesh, '"Face" shares its mesh with "Twin"'),
        (mirrored_data, "mirrored"),
        (still_keys, "do not move the lips"),
    ],
)
def test_a_refused_rig_is_left_as_it_was(spoil: Any, sentence: str) -> None:
    obj = named_head(FACE, ARKIT)
    spoil(obj)
    before = builders.snapshot()
    with pytest.raises(RigError, match=sentence) as refused:
        key_and_apply(obj)
    assert refused.value.hint
    assert builders.snapshot() == before


def test_a_converters_empty_jaw_key_leaves_the_mouth_to_the_characters_own_shapes() -> None:
    vowels = [f"Fcl_MTH_{vowel}" for vowel in "AIUEO"]
    obj = named_head(FACE, [*ARKIT, *vowels])
    empty = obj.data.shape_keys.key_blocks["jawOpen"]
    for point, base in zip(empty.data, obj.data.shape_keys.reference_key.data, strict=True):
        point.co = base.co
    rig = read_rig(obj)
    assert {*vowels, "eyeBlinkLeft", "browInnerUp"} <= set(rig.key_names)
    assert {"jawOpen", "mouthFunnel"} <= set(rig.left_out)
    assert correlation(key_and_apply(obj)[1]) > 0.97
