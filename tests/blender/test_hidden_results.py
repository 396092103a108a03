# SPDX-License-Identifier: GPL-3.0-or-later
"""What hides a result on a rig is named before the run."""

from __future__ import annotations

from typing import Any

import bpy
import pytest

from core.blender.armature import find_armature
from core.blender.rig_report import describe_rig
from tests.blender import builders
from tests.blender.rig_planned import FACE


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
