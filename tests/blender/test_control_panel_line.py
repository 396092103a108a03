# SPDX-License-Identifier: GPL-3.0-or-later
"""A face that a panel on another armature drives lives like any other: sliders, thinning, again, Clear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.babble import babbling  # noqa: E402
from tests.blender.fake_engine import FakeEngine, part, use_engine  # noqa: E402

pytestmark = pytest.mark.slow
PER_METRE = 50.0
PATH = 'pose.bones["CTRL {}"].location'


@pytest.fixture
def panel(ready: Any) -> Any:
    """The demo head, whose every key is driven by a bone of another armature."""
    head = bpy.data.objects["MimeshHead"]
    names = [block.name for block in head.data.shape_keys.key_blocks[1:]]
    rig = bpy.data.objects.new("Panel", bpy.data.armatures.new("Panel"))
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for index, name in enumerate(names):
        bone = rig.data.edit_bones.new(f"CTRL {name}")
        bone.head, bone.tail = (0.02 * index, 0.0, 0.0), (0.02 * index, 0.0, 0.01)
    bpy.ops.object.mode_set(mode="OBJECT")
    for name in names:
        driver = head.data.shape_keys.driver_add(f'key_blocks["{name}"].value').driver
        variable = driver.variables.new()
        variable.type, target = "TRANSFORMS", variable.targets[0]
        target.id, target.bone_target = rig, f"CTRL {name}"
        target.transform_type, target.transform_space = "LOC_X", "LOCAL_SPACE"
        driver.expression = f"{variable.name} * {PER_METRE}"
    part("core.blender.adjust_ready").forget_prepared()
    use_engine(FakeEngine(babbling))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    return rig


def keyed(panel: Any) -> dict[str, Any]:
    """Values of each curve of the panel's first axis."""
    curves = part("core.blender.compat").owner_curves(panel)
    assert {curve.array_index for curve in curves} == {0}
    return {curve.data_path: np.array([key.co.y for key in curve.keyframe_points]) for curve in curves}


def test_a_panels_line_can_be_adjusted_thinned_made_again_and_cleared(panel: Any) -> None:
    keys = bpy.data.objects["MimeshHead"].data.shape_keys
    assert keys.animation_data.action is None
    first = keyed(panel)
    assert len(first) == 50
    whole = first[PATH.format("Exp1")]
    assert np.abs(whole).max() > 0.001
    line = bpy.context.scene.mimesh_adjust
    line.mouth = 0.5
    assert np.abs(keyed(panel)[PATH.format("Exp1")]).max() < 0.7 * np.abs(whole).max()
    line.mouth = 1.0
    np.testing.assert_allclose(keyed(panel)[PATH.format("Exp1")], whole, atol=1e-6)
    line.tidy_mm = 0.4
    thinned = keyed(panel)
    assert sum(map(len, thinned.values())) < 0.6 * sum(map(len, first.values()))
    line.tidy_mm = 0.0
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert len(part("core.blender.kept").kept_lines(bpy.data.objects["MimeshHead"])) == 1
    np.testing.assert_allclose(keyed(panel)[PATH.format("Exp1")], whole, atol=1e-6)
    assert bpy.ops.mimesh.clear_animation() == {"FINISHED"}
    assert panel.animation_data.action is None
    assert all(bone.location.length < 1e-9 for bone in panel.pose.bones)
