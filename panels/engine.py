# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about the engine: is it there, what does it run on, and the setup button."""

from __future__ import annotations

import bpy

from ..core.settings import FaceSettings, RunSettings
from ..operators.engine import offline_reason
from ..operators.engine_access import has_engine
from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from .places import InView3D, Order
from .settings import draw_setting
from .words import draw_words


class MIMESH_PT_engine(InView3D, bpy.types.Panel):
    """The separate Python that runs the networks"""

    bl_idname = "MIMESH_PT_engine"
    bl_label = "Engine"
    bl_order = Order.ENGINE
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context: bpy.types.Context) -> None:
        """A tick or a warning beside the title."""
        self.layout.label(text="", icon="CHECKMARK" if has_engine(context) else "ERROR")

    def draw(self, context: bpy.types.Context) -> None:
        """Status in words, then the two buttons."""
        layout: bpy.types.UILayout = self.layout
        found = "Found; press Test to see what it runs on." if has_engine(context) else "Not set up yet."
        for line in (run_state(context).engine_status or found).splitlines():
            draw_words(layout, line, context)
        column = layout.column()
        column.enabled = not run_state(context).running
        draw_setting(column, scene_settings(context), RunSettings, "device")
        draw_setting(column, scene_settings(context), FaceSettings, "speech_encoder")
        draw_setting(column, scene_settings(context), FaceSettings, "model_pack")
        row = layout.row(align=True)
        row.operator("mimesh.setup_engine", text="Set Up", icon="IMPORT")
        row.operator("mimesh.test_engine", text="Test", icon="CHECKMARK")
        if not has_engine(context):
            draw_offline(layout, context)


def draw_offline(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Why Set Up is grey, and the way to the tick that it waits for."""
    reason = offline_reason(context)
    if reason:
        draw_words(layout, reason, context, icon="INFO")
        layout.operator("screen.userpref_show", text="Open Preferences", icon="PREFERENCES").section = "SYSTEM"


register, unregister = classes_factory((MIMESH_PT_engine,))
