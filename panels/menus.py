# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in Blender's own menus: where they are looked for, and where F3's search finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from ..operators.assets import is_style_asset
from ..operators.stubs import classes_factory

Draw = Callable[[Any, bpy.types.Context], None]


def _draw_add(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator("mimesh.add_demo_head", text="Talking Demo Head", icon="USER")
    menu.layout.operator("mimesh.import_flame", icon="IMPORT")


class MIMESH_MT_lip_sync(bpy.types.Menu):
    """All that makes and changes talking characters"""

    bl_idname = "MIMESH_MT_lip_sync"
    bl_label = "Lip Sync"

    def draw(self, context: bpy.types.Context) -> None:
        """In the order of work, as the panel has it."""
        layout: bpy.types.UILayout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        for group in _GROUPS:
            for name in group:
                layout.operator(f"mimesh.{name}")
            layout.separator()


# F3 finds what is in a menu; what needs a line of a list is beside that list only
_GROUPS = (
    ("try_it", "pick_sources", "use_selected_strips", "check_reference"),
    ("check_face_rig", "find_landmarks", "name_face_key", "key_pose_correctives"),
    ("generate_lip_sync", "import_recording", "regenerate_head", "retake", "clear_animation", "cancel"),
    ("reset_adjust", "layer_line", "unlayer_line", "tidy_keys", "check_closures", "show_open_closure"),
    ("measure_traits", "copy_traits"),
    ("collect_lines", "generate_sheet", "check_sheet", "fill_pauses", "export_sheet", "import_sheet"),
    ("playblast", "write_report", "export_character"),
    ("save_style", "keep_style", "import_style", "add_to_bank", "add_assets"),
    ("setup_engine", "test_engine", "clear_cache"),
)


def _draw_animation(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.menu(MIMESH_MT_lip_sync.bl_idname, icon="PLAY")


def _draw_strip(menu: Any, context: bpy.types.Context) -> None:
    layout = menu.layout
    layout.separator()
    layout.operator("mimesh.use_strip", text="Use as Speech for Lip Sync", icon="SPEAKER").role = "speech"
    layout.operator("mimesh.use_strip", text="Use as Reference for Lip Sync", icon="FILE_MOVIE").role = "reference"
    layout.menu(MIMESH_MT_lip_sync.bl_idname, icon="PLAY")


def _draw_keys(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator("mimesh.name_face_key", icon="SHAPEKEY_DATA")


def _draw_asset(menu: Any, context: bpy.types.Context) -> None:
    if not is_style_asset(getattr(context, "asset", None)):
        return
    menu.layout.separator()
    menu.layout.operator("mimesh.use_style_asset", icon="USER")


_ENTRIES: tuple[tuple[str, Draw], ...] = (
    ("VIEW3D_MT_mesh_add", _draw_add),
    ("VIEW3D_MT_object_animation", _draw_animation),
    ("SEQUENCER_MT_strip", _draw_strip),
    ("SEQUENCER_MT_context_menu", _draw_strip),
    ("MESH_MT_shape_key_context_menu", _draw_keys),
    ("ASSETBROWSER_MT_context_menu", _draw_asset),
    # the sidebar beside the chosen asset
    ("ASSETBROWSER_PT_metadata", _draw_asset),
)


_register_classes, _unregister_classes = classes_factory((MIMESH_MT_lip_sync,))


def register() -> None:
    """Append to the menus that this Blender has."""
    _register_classes()
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
    _unregister_classes()
