# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about whose way of talking is followed: a clip or a saved style, and how far."""

from __future__ import annotations

import bpy

from ..core.settings import FaceSettings
from ..operators.properties import MimeshSettings, can_mix_styles, run_state, scene_settings
from ..operators.stubs import classes_factory
from ..operators.style_list import style_list
from ..operators.styles import has_style
from .places import InSequencer, InView3D, Order, PanelPart
from .reference_quality import draw_clip_choices, draw_quality
from .settings import draw_setting
from .styles import draw_library
from .words import draw_choice

# what an empty field asks for
_ASKED = {"strip": "Film strip of a person", "file": "Film of a person"}
_FIELDS = {"strip": "reference_strip", "file": "reference_file", "style": "style_file"}


class _Reference(PanelPart):
    bl_label = "Reference & Style"
    bl_order = Order.REFERENCE

    def draw(self, context: bpy.types.Context) -> None:
        """Where the person is seen, or which saved style; then how far to follow."""
        settings = scene_settings(context)
        layout = self.layout.column()
        layout.enabled = not run_state(context).running
        column = layout.column(align=True)
        draw_choice(column, settings, "reference_kind", context)
        field = _FIELDS.get(settings.reference_kind)
        if field:
            column.prop(settings, field, text="", placeholder=_ASKED.get(settings.reference_kind, ""))
        if settings.reference_kind in ("strip", "file"):
            draw_clip_choices(column, settings)
            draw_quality(layout, context)
        if settings.reference_kind == "style":
            draw_library(layout, settings, context)
        elif has_style():
            row = layout.row(align=True)
            row.operator("mimesh.keep_style", icon="ASSET_MANAGER")
            row.operator("mimesh.save_style", text="", icon="FILE_TICK")
        draw_following(layout, settings, context)


def draw_following(layout: bpy.types.UILayout, settings: MimeshSettings, context: bpy.types.Context) -> None:
    """The engine that learns the style, how far it is followed, and a second style where the engine can mix."""
    column = layout.column(align=True)
    draw_choice(column, settings, "engine", context)
    row = column.row()
    row.active = settings.reference_kind != "none"
    draw_setting(row, settings, FaceSettings, "style_strength")
    if not can_mix_styles(settings):
        return
    column.prop_search(settings, "second_style", style_list(context), "items", text="Mix with", icon="USER")
    if settings.second_style:
        draw_setting(column, settings, FaceSettings, "style_mix")


class MIMESH_PT_reference(_Reference, InView3D, bpy.types.Panel):
    """Whose way of talking the character takes on"""

    bl_idname = "MIMESH_PT_reference"


class MIMESH_PT_sequencer_reference(_Reference, InSequencer, bpy.types.Panel):
    """Whose way of talking the character takes on"""

    bl_idname = "MIMESH_PT_sequencer_reference"


register, unregister = classes_factory((MIMESH_PT_reference, MIMESH_PT_sequencer_reference))
