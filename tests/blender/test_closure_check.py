# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers stand where a closure stays open on the mesh, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")

from tests.blender.fake_engine import part  # noqa: E402
from tests.blender.test_adjust import JAW, curves, engine, face, line  # noqa: E402, F401

pytestmark = pytest.mark.slow


def markers() -> list[int]:
    return sorted(m.frame for m in bpy.context.scene.timeline_markers if m.name == "Lips open")


def test_an_opened_closure_is_marked_and_the_mark_goes_when_it_is_shut(line: Any) -> None:  # noqa: F811
    scene, check = bpy.context.scene, part("core.blender.closure_check")
    scene.timeline_markers.new("mine", frame=20)
    scene.frame_set(9)
    found = check.line_closures(face(), part("core.blender.kept").find_line(face()))
    assert len(found) >= 2
    assert bpy.ops.mimesh.check_closures() == {"FINISHED"}
    assert markers() == []
    opened = found[-1]
    around = range(opened.first - 1, opened.last + 2)
    before = {}
    for index, value in ((0, 0.98), (1, 0.199)):
        for key in curves()[JAW, index].keyframe_points:
            if round(key.co.x) in around:
                before[index, round(key.co.x)] = key.co.y
                key.co.y = value
        curves()[JAW, index].update()
    assert bpy.ops.mimesh.check_closures() == {"FINISHED"}
    assert markers() == [opened.middle]
    assert scene.frame_current == 9
    for (index, frame), value in before.items():
        next(key for key in curves()[JAW, index].keyframe_points if round(key.co.x) == frame).co.y = value
    assert bpy.ops.mimesh.check_closures() == {"FINISHED"}
    assert markers() == []
    assert [m.name for m in scene.timeline_markers] == ["mine"]


def test_repair_shuts_it_again_and_leaves_other_edits(line: Any) -> None:  # noqa: F811
    check = part("core.blender.closure_check")
    opened = check.line_closures(face(), part("core.blender.kept").find_line(face()))[-1]
    for index, value in ((0, 0.98), (1, 0.199)):
        for key in curves()[JAW, index].keyframe_points:
            if opened.first - 1 <= round(key.co.x) <= opened.last + 1:
                key.co.y = value
    far = curves()['key_blocks["Exp2"].value', 0].keyframe_points[60]
    far.co.y += 0.2
    frame, value = far.co
    keys = len(curves()[JAW, 1].keyframe_points)
    assert bpy.ops.mimesh.check_closures() == {"FINISHED"}
    assert markers() == [opened.middle]
    assert bpy.ops.mimesh.check_closures(repair=True) == {"FINISHED"}
    assert markers() == []
    assert len(curves()[JAW, 1].keyframe_points) == keys
    assert {key.co.x: key.co.y for key in curves()['key_blocks["Exp2"].value', 0].keyframe_points}[frame] == value


def test_a_nod_is_no_opening(line: Any) -> None:  # noqa: F811
    bone = bpy.data.objects["MimeshHeadRig"].pose.bones["root"]
    bone.rotation_mode, bone.rotation_euler = "XYZ", (0.5, 0.4, 0.2)
    assert bpy.ops.mimesh.check_closures() == {"FINISHED"}
    assert markers() == []
