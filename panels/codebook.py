# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank of pose styles as a list: a small picture of each head's reach, its name, how near it is, and a try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import bpy.utils.previews

from ..operators.pose_list import MimeshPoseItem, active_pose, pose_list, reach_pixels, retrieved_names
from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from .lists import Rows
from .words import draw_words, room, shortened, ui_scale

_ROWS = 4
_PIXELS, _LARGE_PIXELS, _LARGE_SCALE = 32, 128, 3.0
# of a row, at 1x: round button, picture and scroll bar; the mark; the number; the buttons beside the list
_ROW_PIXELS, _MARK_PIXELS, _DISTANCE_PIXELS, _BUTTONS_PIXELS = 76, 22, 38, 28
_NARROW_PIXELS = 230


@dataclass(slots=True)
class _Pictures:
    """Blender's collection of small pictures, while the extension is enabled."""

    collection: Any = None


_pictures = _Pictures()


class MIMESH_UL_poses(Rows, bpy.types.UIList):
    """Pose styles of the bank, with a button to follow each"""

    def draw_row(self, context: bpy.types.Context, layout: bpy.types.UILayout, item: Any) -> None:
        """The round button tells and sets which one is followed; a mark which one the last head was made from."""
        followed = scene_settings(context).pose.follow == item.name
        row = layout.row(align=True)
        row.operator(
            "mimesh.follow_pose", text="", icon="RADIOBUT_ON" if followed else "RADIOBUT_OFF", emboss=False
        ).name = item.name
        retrieved = item.name in retrieved_names(context)
        # in a narrow list the name goes first: the list is sorted by distance, and the details below tell it
        told = item.distance >= 0.0 and not _is_narrow(context)
        taken = _ROW_PIXELS + (_MARK_PIXELS if retrieved else 0) + (_DISTANCE_PIXELS if told else 0)
        taken += 0 if _is_narrow(context) else _BUTTONS_PIXELS
        left = room(context) - taken * ui_scale(context)
        row.label(text=shortened(item.short, left, context), icon_value=reach_icon(item))
        if retrieved:
            row.label(text="", icon="CHECKMARK")
        if told:
            end = row.row()
            end.alignment = "RIGHT"
            end.label(text=f"{item.distance:.2f}")


def _is_narrow(context: bpy.types.Context) -> bool:
    return room(context) < _NARROW_PIXELS * ui_scale(context)


def draw_codebook(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The list, and what is known of the selected style."""
    listing = pose_list(context)
    # the buttons beside the list, or below where names need their place
    row = layout.column(align=True) if _is_narrow(context) else layout.row()
    row.template_list("MIMESH_UL_poses", "", listing, "items", listing, "active", rows=_ROWS, maxrows=_ROWS)
    column = row.row(align=True) if _is_narrow(context) else row.column(align=True)
    column.operator("mimesh.add_to_bank", text="", icon="ADD")
    column.operator("mimesh.remove_from_bank", text="", icon="REMOVE")
    column.operator("mimesh.refresh_poses", text="", icon="FILE_REFRESH")
    if listing.problem:
        draw_words(layout, listing.problem, context, icon="ERROR")
    item = active_pose(context)
    if item is None:
        return
    row = layout.row()
    row.enabled = not run_state(context).running
    row.operator("mimesh.regenerate_head", text="Try This Head", icon="PLAY").follow = item.name
    details = layout.column(align=True)
    picture = reach_picture(item)
    if picture:
        details.template_icon(picture, scale=_LARGE_SCALE)
    draw_words(details, item.name, context)
    if item.distance >= 0.0:
        draw_words(details, f"Distance to the reference: {item.distance:.2f}.", context)
    draw_words(details, f"{item.speaker}: nods {item.nod:.1f}°, turns {item.turn:.1f}°.", context)
    draw_words(details, item.provenance, context)


def reach_icon(item: MimeshPoseItem) -> int:
    """Blender's number of the picture of how far this head nods and turns; drawn once for each style."""
    if _pictures.collection is None:
        return 0
    key = f"{item.nod:.2f} {item.turn:.2f} {item.together:.2f}"
    if key not in _pictures.collection:
        picture = _pictures.collection.new(key)
        picture.icon_size = (_PIXELS, _PIXELS)
        picture.icon_pixels_float = reach_pixels(item, _PIXELS)
    return int(_pictures.collection[key].icon_id)


def reach_picture(item: MimeshPoseItem) -> int:
    """The same, larger, with axes: degrees to the sides and up and down. 0 in the background."""
    if _pictures.collection is None or bpy.app.background:
        return 0
    key = f"large {item.nod:.2f} {item.turn:.2f} {item.together:.2f}"
    if key not in _pictures.collection:
        picture = _pictures.collection.new(key)
        picture.image_size = (_LARGE_PIXELS, _LARGE_PIXELS)
        picture.image_pixels_float = reach_pixels(item, _LARGE_PIXELS, with_axes=True)
    return int(_pictures.collection[key].icon_id)


_register_classes, _unregister_classes = classes_factory((MIMESH_UL_poses,))


def register() -> None:
    """The list and room for its pictures."""
    _register_classes()
    _pictures.collection = bpy.utils.previews.new()


def unregister() -> None:
    """Both go."""
    bpy.utils.previews.remove(_pictures.collection)
    _pictures.collection = None
    _unregister_classes()
