# SPDX-License-Identifier: GPL-3.0-or-later
"""Every family of face rigs from its names to evaluated lips, in odd orders, sizes and places."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import pytest

from core.blender.read_rig import read_rig
from core.errors import RigError
from tests.blender import builders
from tests.blender.mouth_followed import FACE, correlation, key_and_apply
from tests.blender.named_faces import Placing, named_head
from tests.rig_key_names import ARKIT, CONVENTION_NAMES

pytestmark = pytest.mark.slow
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
