# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet: the edit's lines with their states, in the sidebars of the 3D View and of the Sequencer.

Only draws: the states are told by :mod:`operators.sheet_watch`.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.properties import MimeshRun, run_state
from ..operators.sheet_watch import count_states, line_status_of, state_label
from ..operators.stubs import classes_factory
from ..operators.style_list import style_list
from .lists import Rows
from .places import InSequencer, InView3D, Order, PanelPart
from .progress import draw_progress
from .words import draw_words

_ICONS: dict[str, Any] = {
    "": "BLANK1",
    "blocked": "ERROR",
    "new": "RADIOBUT_OFF",
    "sound": "FILE_REFRESH",
    "settings": "FILE_REFRESH",
    "rig": "FILE_REFRESH",
    "moved": "NEXT_KEYFRAME",
    "edited": "GREASEPENCIL",
    "done": "CHECKMARK",
}
_ROWS = 5


class MIMESH_UL_sheet(Rows, bpy.types.UIList):
    """Lines of dialogue: state, sound, who speaks"""

    def draw_row(self, context: bpy.types.Context, layout: bpy.types.UILayout, item: Any) -> None:
        """Narrow enough for a sidebar of 250 pixels."""
        status = line_status_of(context.scene, item)
        split = layout.split(factor=0.5, align=True)
        split.label(text=_short(item), icon=_ICONS[status.state if status else ""])
        row = split.row(align=True)
        row.label(text=item.character.name if item.character is not None else "Who?")
        row.prop(item, "locked", text="", icon="LOCKED" if item.locked else "UNLOCKED", emboss=False)

    def filter_items(self, context: Any, data: Any, property: Any) -> Any:  # noqa: A002
        """The search field looks at sounds, characters and notes."""
        wanted = self.filter_name.casefold()
        if not wanted:
            return [], []
        found = []
        for item in getattr(data, property or ""):
            face = item.character.name if item.character is not None else ""
            found.append(self.bitflag_filter_item if wanted in f"{item.source} {face} {item.note}".casefold() else 0)
        return found, []


class MIMESH_MT_sheet(bpy.types.Menu):
    """What can be done with the sheet"""

    bl_label = "Dialogue Sheet"
    bl_idname = "MIMESH_MT_sheet"

    def draw(self, context: bpy.types.Context) -> None:
        """What is rarer than making the lines."""
        layout = self.layout
        layout.operator("mimesh.collect_lines", text="Collect Selected Strips").selected_only = True
        layout.operator("mimesh.assign_channel", icon="COMMUNITY")
        layout.operator("mimesh.check_sheet", icon="FILE_REFRESH")
        layout.separator()
        layout.operator("mimesh.import_sheet", icon="IMPORT")
        layout.operator("mimesh.export_sheet", icon="EXPORT")
        layout.operator("mimesh.playblast", icon="RENDER_ANIMATION")
        layout.operator("mimesh.write_report", icon="FILE_TEXT")


def _draw_sheet(layout: Any, context: bpy.types.Context) -> None:
    sheet, run = context.scene.mimesh_sheet, run_state(context)
    layout.operator("mimesh.collect_lines", icon="ADD" if len(sheet.lines) else "SEQ_SEQUENCER")
    row = layout.row()
    row.template_list("MIMESH_UL_sheet", "", sheet, "lines", sheet, "active", rows=_ROWS)
    column = row.column(align=True)
    column.operator("mimesh.add_line", text="", icon="ADD")
    column.operator("mimesh.remove_line", text="", icon="REMOVE")
    column.separator()
    column.operator("mimesh.show_line", text="", icon="VIEWZOOM")
    column.menu("MIMESH_MT_sheet", text="", icon="DOWNARROW_HLT")
    if not len(sheet.lines):
        draw_words(layout, "A line for every sound strip of the edit: who speaks it, and how.", context, icon="INFO")
        return
    if 0 <= sheet.active < len(sheet.lines):
        _draw_line(layout, sheet.lines[sheet.active], context)
    _draw_button(layout, run, context)


def _draw_line(layout: bpy.types.UILayout, item: Any, context: bpy.types.Context) -> None:
    box = layout.box()
    status = line_status_of(context.scene, item)
    if status is not None:
        head = box.row()
        head.alert = status.state == "blocked"
        head.label(text=state_label(status), icon=_ICONS[status.state])
        draw_words(box, status.description, context)
    column = box.column(align=True)
    column.use_property_split, column.use_property_decorate = True, False
    column.enabled = not run_state(context).running
    if item.kind != "strip":
        column.row(align=True).prop(item, "kind", expand=True)
        column.prop(item, "source", text="")
    if item.kind == "file":
        column.prop(item, "first_frame")
    column.prop(item, "character", icon="MESH_MONKEY")
    column.prop_search(item, "style", style_list(context), "items", icon="USER")
    column.prop(item, "engine")
    column.prop(item, "note")


def _draw_button(layout: bpy.types.UILayout, run: MimeshRun, context: bpy.types.Context) -> None:
    counts = count_states(context.scene)
    if counts:
        draw_words(layout, counts, context)
    if run.running:
        draw_progress(layout, run)
        return
    row = layout.row(align=True)
    row.scale_y = 1.5
    row.operator("mimesh.generate_sheet", icon="PLAY")
    row.operator("mimesh.generate_sheet", text="This Line").active_only = True
    layout.operator("mimesh.fill_pauses", icon="COMMUNITY")
    if run.task in ("Generate All", "Fill Pauses") and run.result:
        words = layout.box().column()
        words.alert = run.outcome == "failed"
        for line in run.result.splitlines():
            draw_words(words, line, context)


def _short(item: Any) -> str:
    """What a row has room for."""
    if item.kind == "channel":
        return f"Channel {item.source}"
    return str(item.source).replace("\\", "/").rsplit("/", 1)[-1] or "No sound"


class _Sheet(PanelPart):
    """All lines of the edit at once."""

    bl_label = "Dialogue Sheet"
    bl_order = Order.SHEET
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The list, the chosen line, and the button."""
        _draw_sheet(self.layout, context)


class MIMESH_PT_sheet(_Sheet, InView3D, bpy.types.Panel):
    """All lines of the edit at once"""

    bl_idname = "MIMESH_PT_sheet"


class MIMESH_PT_sequencer_sheet(_Sheet, InSequencer, bpy.types.Panel):
    """All lines of the edit at once"""

    bl_idname = "MIMESH_PT_sequencer_sheet"


_CLASSES = (MIMESH_UL_sheet, MIMESH_MT_sheet, MIMESH_PT_sheet, MIMESH_PT_sequencer_sheet)
register, unregister = classes_factory(_CLASSES)
