# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about the head: where its motion comes from, how it is sampled, and regenerating it."""

from __future__ import annotations

import bpy

from ..core.settings import BakeSettings, HeadSettings
from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from .codebook import draw_codebook
from .places import InView3D, Order
from .settings import draw_group, draw_setting
from .words import draw_words

# these serve the reference's own motion too
_ANY_SOURCE = ("source", "amount", "dead_zone_radians")


class MIMESH_PT_head_motion(InView3D, bpy.types.Panel):
    """How the head moves"""

    bl_idname = "MIMESH_PT_head_motion"
    bl_label = "Head & Pose Codebook"
    bl_order = Order.HEAD
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Source, amounts, sampling, bank, and what the last run retrieved."""
        layout: bpy.types.UILayout = self.layout
        settings, run = scene_settings(context), run_state(context)
        pose = settings.pose
        column = layout.column(align=True)
        column.enabled = not run.running
        for name in _ANY_SOURCE:
            draw_setting(column, settings, HeadSettings, name)
        draw_setting(column, settings, BakeSettings, "neck_share")
        row = layout.row(align=True)
        row.enabled = not run.running
        row.prop(pose, "seed")
        row.operator("mimesh.regenerate_head", text="", icon="FILE_REFRESH")
        drawn = layout.column(align=True)
        drawn.enabled = not run.running
        drawn.active = pose.source == "bank"
        draw_group(drawn, settings, HeadSettings, leave_out=(*_ANY_SOURCE, "seed", "bank", "follow"))
        row = drawn.row(align=True)
        row.prop(pose, "bank", placeholder="Bundled")
        if pose.bank:
            row.operator("mimesh.use_bundled_bank", text="", icon="X")
        draw_codebook(drawn, context)
        if run.neighbours:
            box = layout.box()
            box.label(text="Moves like", icon="COMMUNITY")
            for line in run.neighbours.splitlines():
                draw_words(box, line, context)
        if run.codes:
            draw_words(layout, run.codes, context, icon="SEQ_HISTOGRAM")


register, unregister = classes_factory((MIMESH_PT_head_motion,))
