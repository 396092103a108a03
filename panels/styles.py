# SPDX-License-Identifier: GPL-3.0-or-later
"""The style library inside the main panel. Only reads the listing and draws; the disk is the operators' affair."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.properties import MimeshSettings, scene_settings
from ..operators.stubs import classes_factory
from ..operators.style_list import active_style, style_list
from .lists import Rows
from .words import draw_words

_ROWS = 3


class MIMESH_UL_styles(Rows, bpy.types.UIList):
    """Saved styles, with a button to use each"""

    def draw_row(self, context: bpy.types.Context, layout: bpy.types.UILayout, item: Any) -> None:
        """The round button tells and sets which style this scene uses."""
        settings = scene_settings(context)
        used = settings.reference_kind == "style" and settings.style_file == item.name
        row = layout.row(align=True)
        button = row.row(align=True)
        button.enabled = not item.problem
        button.operator(
            "mimesh.use_style", text="", icon="RADIOBUT_ON" if used else "RADIOBUT_OFF", emboss=False
        ).name = item.name
        row.label(text=item.name, icon="ERROR" if item.problem else "NONE")


class MIMESH_MT_styles(bpy.types.Menu):
    """What can be done with the selected style"""

    bl_label = "Style"
    bl_idname = "MIMESH_MT_styles"

    def draw(self, context: bpy.types.Context) -> None:
        """What is rarer than using a style."""
        layout = self.layout
        layout.operator("mimesh.rename_style", icon="GREASEPENCIL")
        layout.operator("mimesh.delete_style", icon="TRASH")
        layout.separator()
        layout.operator("mimesh.measure_traits", icon="DRIVER_DISTANCE")
        layout.operator("mimesh.adjust_traits", icon="OPTIONS")
        layout.operator("mimesh.copy_traits", icon="COPYDOWN")
        layout.separator()
        layout.operator("mimesh.import_style", icon="IMPORT")
        layout.operator("mimesh.export_style", icon="EXPORT")
        layout.separator()
        layout.operator("mimesh.refresh_styles", icon="FILE_REFRESH")


def draw_library(layout: bpy.types.UILayout, settings: MimeshSettings, context: bpy.types.Context) -> None:
    """The list, its buttons and what is known of the selected style."""
    row = layout.row()
    row.template_list("MIMESH_UL_styles", "", style_list(context), "items", style_list(context), "active", rows=_ROWS)
    column = row.column(align=True)
    column.operator("mimesh.keep_style", text="", icon="ADD")
    column.operator("mimesh.delete_style", text="", icon="REMOVE")
    column.menu("MIMESH_MT_styles", text="", icon="DOWNARROW_HLT")
    item = active_style(context)
    if item is None:
        return
    details = layout.column(align=True)
    if item.problem:
        draw_words(details, item.problem, context, icon="ERROR")
        return
    draw_words(details, item.summary, context, icon="FILE_MOVIE")
    draw_words(details, f"Holds {item.parts}.", context, icon="BLANK1")
    for line in item.notes.splitlines():
        draw_words(details, line, context, icon="INFO")


register, unregister = classes_factory((MIMESH_UL_styles, MIMESH_MT_styles))
