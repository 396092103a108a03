# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about styles that change along the shot."""

from __future__ import annotations

from typing import Any

import bpy

from ..operators.properties import run_state
from ..operators.stubs import classes_factory
from ..operators.style_list import style_list
from .lists import Rows
from .places import InView3D, Order
from .words import draw_words


class MIMESH_UL_style_mix(Rows, bpy.types.UIList):
    """Styles with the weight that each has at the present frame"""

    def draw_row(self, context: bpy.types.Context, layout: bpy.types.UILayout, item: Any) -> None:
        """The slider can be keyed as any other."""
        split = layout.split(factor=0.5, align=True)
        split.prop_search(item, "style", style_list(context), "items", text="")
        split.prop(item, "weight", text="", slider=True)


class MIMESH_PT_style_mix(InView3D, bpy.types.Panel):
    """Several styles of talking, mixed by weights that are keyed"""

    bl_idname = "MIMESH_PT_style_mix"
    bl_label = "Style over Time"
    bl_order = Order.REFERENCE + 5
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """On or off."""
        self.layout.prop(context.scene.mimesh_style_mix, "use", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """The list and the key button."""
        layout: bpy.types.UILayout = self.layout
        mix: Any = context.scene.mimesh_style_mix  # type: ignore[union-attr]
        layout.enabled = not run_state(context).running
        row = layout.row()
        row.template_list("MIMESH_UL_style_mix", "", mix, "styles", mix, "active", rows=2)
        column = row.column(align=True)
        column.operator("mimesh.add_mixed_style", text="", icon="ADD")
        column.operator("mimesh.remove_mixed_style", text="", icon="REMOVE")
        if len(mix.styles) < 2:
            draw_words(layout, "Two styles or more, say calm and angry takes of one person.", context, icon="INFO")
        else:
            layout.operator("mimesh.key_mix", icon="KEY_HLT")


register, unregister = classes_factory((MIMESH_UL_style_mix, MIMESH_PT_style_mix))
