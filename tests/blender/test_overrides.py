# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters linked from a library: keyed where the mesh is overridden too, refused where its keys would be lost."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from core.blender.apply import apply_plan
from core.blender.armature import find_armature
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.errors import RigError
from core.rig.plan import ApplySettings, plan_curves
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders
from tests.blender.line_on_head import motion

FACE = face_fixtures.synthetic_face()


def overridden(folder: Path, with_mesh: bool) -> bpy.types.Object:
    """The head of a library file as an override in a new one."""
    builders.build_rig(FACE)
    library = str(folder / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, target):
        target.objects = ["Head", "HeadRig"]
    for obj in target.objects:
        bpy.context.scene.collection.objects.link(obj)
    linked = bpy.data.objects["Head"]
    head = linked.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, do_fully_editable=True)
    if with_mesh and head.data.override_library is None:
        head.data.override_create(remap_local_usages=True)
    return own_head()


def own_head() -> bpy.types.Object:
    """The head that is not the library's."""
    meshes = (obj for obj in bpy.data.objects if obj.type == "MESH" and obj.library is None)
    return next(obj for obj in meshes if obj.name.startswith("Head"))


def plays(head: bpy.types.Object) -> bool:
    """Whether the keys are there: on in the line, at rest after it (a value kept from before saving is neither)."""
    values = []
    for frame in (20, 200):
        bpy.context.scene.frame_set(frame)
        values.append(head.data.shape_keys.key_blocks["Exp1"].value)
    return bool(values == pytest.approx([1.0, 0.0], abs=1e-5))


def test_an_overridden_face_is_keyed_and_keeps_its_keys_through_saving_and_loading(tmp_path: Path) -> None:
    head = overridden(tmp_path, with_mesh=True)
    rig = read_rig(head)
    apply_plan(
        plan_curves(rig, motion(), SceneTiming(25.0, 1.0), ApplySettings(), read_existing(head), "{}"),
        head,
    )
    path = str(tmp_path / "shot.blend")
    for _ in range(2):
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.open_mainfile(filepath=path)
    head = own_head()
    assert head.data.override_library is not None
    assert plays(head)
    bpy.context.scene.frame_set(20)
    jaw = find_armature(head).pose.bones["jaw"]
    assert jaw.rotation_quaternion.to_euler().x == pytest.approx(0.2, abs=1e-5)


def test_an_override_of_the_object_alone_is_refused_with_the_way_out(tmp_path: Path) -> None:
    head = overridden(tmp_path, with_mesh=False)
    before = builders.snapshot()
    with pytest.raises(RigError, match="is linked from") as refused:
        read_rig(head)
    assert "Library Override" in refused.value.hint
    assert builders.snapshot() == before
