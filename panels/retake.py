# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about takes of a few frames."""

from __future__ import annotations

import bpy

from ..operators.properties import run_state, scene_settings
from ..operators.retake import open_takes
from ..operators.sentences import translated
from ..operators.stubs import classes_factory
from ..operators.take_pictures import take_icon
from .places import InView3D, Order
from .progress import draw_progress
from .words import draw_words

_PICTURE_SCALE = 5.0


class MIMESH_PT_retake(InView3D, bpy.types.Panel):
    """Other takes of the frames in the preview range"""

    bl_idname = "MIMESH_PT_retake"
    bl_label = "Retake"
    bl_order = Order.ADJUST + 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The range, or the takes that wait for an answer."""
        layout: bpy.types.UILayout = self.layout
        scene, run = context.scene, run_state(context)
        if run.running:
            draw_progress(layout, run)
            return
        target = scene_settings(context).target
        retake = open_takes(target)
        if retake is None:
            row = layout.row(align=True)
            row.prop(scene, "use_preview_range", text="", toggle=True)
            fields = row.row(align=True)
            fields.enabled = scene.use_preview_range
            fields.prop(scene, "frame_preview_start", text="")
            fields.prop(scene, "frame_preview_end", text="")
            layout.operator("mimesh.retake", icon="RECORD_ON")
            if not scene.use_preview_range:
                draw_words(layout, "Only the frames of the preview range are made again.", context, icon="INFO")
            return
        icon = take_icon(target, retake.shown)
        if icon:
            layout.template_icon(icon, scale=_PICTURE_SCALE)
        row = layout.row(align=True)
        row.operator("mimesh.show_take", text="", icon="TRIA_LEFT").step = -1
        middle = row.row()
        middle.alignment = "CENTER"
        shown = f"{retake.shown} of {len(retake.labels) - 1}" if retake.shown else "Before"
        middle.label(text=translated(shown), translate=False)
        row.operator("mimesh.show_take", text="", icon="TRIA_RIGHT").step = 1
        draw_words(layout, retake.labels[retake.shown], context)
        row = layout.row(align=True)
        row.operator("mimesh.accept_take", icon="CHECKMARK")
        row.operator("mimesh.reject_takes", icon="X")


register, unregister = classes_factory((MIMESH_PT_retake,))
