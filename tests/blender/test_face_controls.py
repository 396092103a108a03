# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces whose keys a control rig drives are keyed by its controls, and what cannot be told is named."""

from __future__ import annotations

import bpy
import pytest

from core.blender.armature import find_armature
from core.blender.clear import clear_animation
from core.blender.read_rig import read_rig
from core.blender.rig_report import describe_rig
from core.errors import RigError
from tests.blender import builders
from tests.blender.mouth_followed import FACE, correlation, key_and_apply
from tests.blender.named_faces import named_head
from tests.rig_key_names import ARKIT

pytestmark = pytest.mark.slow


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
