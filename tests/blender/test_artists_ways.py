# SPDX-License-Identifier: GPL-3.0-or-later
"""What artists do to a line besides changing keys: it goes on being a line, and what they did stays."""

from __future__ import annotations

from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import part  # noqa: E402
from tests.blender.test_adjust import engine, face, line  # noqa: E402, F401

pytestmark = pytest.mark.slow


def owners(head: Any = None) -> tuple[Any, Any]:
    head = head or face()
    return head.data.shape_keys, head.parent


def keys_of(head: Any = None) -> dict[tuple[str, int, float], float]:
    """Value of every key by its curve and frame."""
    compat = part("core.blender.compat")
    return {
        (curve.data_path, curve.array_index, round(key.co[0], 2)): round(key.co[1], 5)
        for owner in owners(head)
        for curve in compat.owner_curves(owner)
        for key in curve.keyframe_points
    }


def first_curve() -> Any:
    return part("core.blender.compat").owner_curves(face().data.shape_keys)[0]


def move_all(frames: float) -> None:
    """As G in the Dope Sheet does with every key selected."""
    for owner in owners():
        for curve in part("core.blender.compat").owner_curves(owner):
            for key in curve.keyframe_points:
                for point in (key.co, key.handle_left, key.handle_right):
                    point[0] += frames
            curve.update()


@pytest.mark.parametrize("ready_before", [False, True])
def test_a_line_whose_keys_were_all_moved_goes_on_being_one(line: Any, ready_before: bool) -> None:  # noqa: F811
    edited = first_curve().keyframe_points[30]
    edited.co[1] += 0.3
    place = (first_curve().data_path, 0, round(edited.co[0] + 10, 2))
    line.jaw = 1.1
    line.jaw = 1.0
    move_all(10)
    moved = keys_of()
    if ready_before:
        current = part("operators.adjust").current_line(bpy.context)
        part("core.blender.adjust_ready").prepare_line(face(), current)
    line.mouth = 1.5
    louder = keys_of()
    assert louder.keys() == moved.keys()
    assert sum(louder[name] != value for name, value in moved.items()) > len(moved) / 4
    assert louder[place] == moved[place]
    line.mouth = 1.0
    assert keys_of() == pytest.approx(moved, abs=2e-5)


def test_a_line_generated_again_after_its_keys_were_moved_is_where_its_sound_is(line: Any) -> None:  # noqa: F811
    before = keys_of()
    move_all(12)
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert keys_of() == pytest.approx(before, abs=2e-5)


def test_a_renamed_face_keeps_its_line(line: Any) -> None:  # noqa: F811
    head, before = face(), keys_of()
    head.name = "Anna"
    line.mouth = 1.4
    assert keys_of(head) != before
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert {action.name for action in bpy.data.actions if "mimesh" in action and action.users} <= {
        "Mimesh Anna",
        "Mimesh Anna Bones",
    }
    assert "keyed for another face" not in bpy.context.window_manager.mimesh_run.result


def test_a_copied_character_has_a_line_of_its_own(line: Any) -> None:  # noqa: F811
    first, before = face(), keys_of()
    for item in bpy.context.view_layer.objects:
        item.select_set(item in (first, first.parent))
    bpy.context.view_layer.objects.active = first
    assert bpy.ops.object.duplicate() == {"FINISHED"}
    second = bpy.context.view_layer.objects.active
    assert second != first and second.parent != first.parent
    bpy.context.scene.mimesh.target = second
    line.mouth = 1.5
    assert keys_of(second) != before
    assert keys_of(first) == before
    bpy.context.scene.mimesh.target = first
    line.mouth = 0.7
    assert keys_of(first) != before


def test_a_locked_curve_is_not_changed_and_what_was_done_to_curves_stays(line: Any) -> None:  # noqa: F811
    compat = part("core.blender.compat")
    muted, locked, noisy = compat.owner_curves(face().data.shape_keys)[:3]
    muted.mute, locked.lock = True, True
    noisy.modifiers.new("NOISE")
    name = (locked.data_path, locked.array_index)
    before = {place: value for place, value in keys_of().items() if place[:2] == name}
    line.mouth = 1.6
    assert {place: value for place, value in keys_of().items() if place[:2] == name} == before
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    muted, locked, noisy = compat.owner_curves(face().data.shape_keys)[:3]
    assert muted.mute and locked.lock and len(noisy.modifiers) == 1
    assert {place: value for place, value in keys_of().items() if place[:2] == name} == before


def test_a_name_that_the_artist_gave_to_a_lines_action_stays(line: Any) -> None:  # noqa: F811
    face().data.shape_keys.animation_data.action.name = "sh010 Anna"
    line.mouth = 1.2
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert face().data.shape_keys.animation_data.action.name == "sh010 Anna"
