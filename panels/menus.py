# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in Blender's own menus: where they are looked for, and where F3's search finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

Draw = Callable[[Any, bpy.types.Context], None]


def _draw_add(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator("mimesh.add_demo_head", text="Talking Demo Head", icon="USER")
    menu.layout.operator("mimesh.import_flame", icon="IMPORT")


def _draw_animation(menu: Any, context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator("mimesh.generate_lip_sync", icon="PLAY")
    layout.operator("mimesh.regenerate_head")
    layout.operator("mimesh.import_recording")
    layout.operator("mimesh.clear_animation")
    layout.operator("mimesh.check_face_rig")
    layout.operator("mimesh.try_it")


def _draw_strip(menu: Any, context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator("mimesh.use_strip", text="Use as Speech for Lip Sync", icon="SPEAKER").role = "speech"
    layout.operator("mimesh.use_strip", text="Use as Reference for Lip Sync", icon="FILE_MOVIE").role = "reference"
    layout.operator("mimesh.generate_lip_sync", icon="PLAY")


def _draw_keys(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator("mimesh.name_face_key", icon="SHAPEKEY_DATA")


_ENTRIES: tuple[tuple[str, Draw], ...] = (
    ("VIEW3D_MT_mesh_add", _draw_add),
    ("VIEW3D_MT_object_animation", _draw_animation),
    ("SEQUENCER_MT_strip", _draw_strip),
    ("SEQUENCER_MT_context_menu", _draw_strip),
    ("MESH_MT_shape_key_context_menu", _draw_keys),
)


def register() -> None:
    """Append to the menus that this Blender has."""
    for name, draw in _ENTRIES:
        menu = getattr(bpy.types, name, None)
        if menu is not None:
            menu.append(draw)


def unregister() -> None:
    """Take the entries out again."""
    for name, draw in _ENTRIES:
        menu = getattr(bpy.types, name, None)
        if menu is not None:
            menu.remove(draw)
