# SPDX-License-Identifier: GPL-3.0-or-later
"""Teeth, tongues, lashes and eyes beside the face: keyed along, moved by the bones, or left alone."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.blend_file import find_character
from core.blender.clear import clear_animation
from core.blender.read_rig import read_rig
from core.blender.rig_report import describe_rig
from core.errors import RigError
from tests.blender import builders
from tests.blender.rig_planned import ARKIT, FACE, arkit_head, plan, value


def part(name: str, keys: tuple[str, ...], place: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """A small mesh inside the head with keys that move it a little."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0.0, -0.01, 0.0), (0.01, -0.01, 0.0), (0.0, -0.01, 0.01)], [], [(0, 1, 2)])
    obj = bpy.data.objects.new(name, mesh)
    obj.location = place
    bpy.context.scene.collection.objects.link(obj)
    builders.add_keys(obj, keys, np.full((len(keys), 3, 3), 0.001))
    return obj


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
