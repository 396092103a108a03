# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel with the button: why it is grey, how a run stands, what the last one did, and rarer settings."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.settings import BakeSettings, EyesSettings, RunSettings
from ..operators.generate import generate_disabled_reason
from ..operators.properties import MimeshRun, run_state, scene_settings
from ..operators.stubs import classes_factory
from .places import InSequencer, InView3D, Order, PanelPart
from .progress import draw_progress
from .settings import draw_group, draw_setting
from .words import draw_words

_OUTCOME_ICONS: dict[str, Any] = {"done": "CHECKMARK", "failed": "ERROR", "cancelled": "CANCEL"}


class _Generate(PanelPart):
    bl_label = "Generate"
    bl_order = Order.GENERATE

    def draw(self, context: bpy.types.Context) -> None:
        """The button, or how the run that it started stands."""
        layout: bpy.types.UILayout = self.layout
        run = run_state(context)
        if run.running:
            draw_progress(layout, run)
        else:
            _draw_button(layout, context)
            _draw_result(layout, run, context)


def _draw_button(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    row = layout.row()
    row.scale_y = 1.6
    row.operator("mimesh.generate_lip_sync", icon="PLAY")
    reason = generate_disabled_reason(context)
    if reason:
        draw_words(layout, reason, context, icon="INFO")


def _draw_result(layout: bpy.types.UILayout, run: MimeshRun, context: bpy.types.Context) -> None:
    if not run.result:
        return
    box = layout.box()
    box.label(text="Last run", icon=_OUTCOME_ICONS[run.outcome])
    words = box.column()
    words.alert = run.outcome == "failed"
    warnings = run.warnings.splitlines()
    for line in run.result.splitlines():
        draw_words(words, line, context, icon="ERROR" if line in warnings else "NONE")


class _Options(PanelPart):
    bl_label = "Options"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What a run seldom needs changed."""
        settings = scene_settings(context)
        layout = self.layout.column()
        layout.enabled = not run_state(context).running
        draw_group(layout.column(align=True), settings, EyesSettings)
        column = layout.column(align=True)
        draw_setting(column, settings, RunSettings, "seed")
        # the neck's share stands with the head
        draw_group(column, settings, BakeSettings, leave_out=("neck_share",))


class MIMESH_PT_generate(_Generate, InView3D, bpy.types.Panel):
    """Make the face talk"""

    bl_idname = "MIMESH_PT_generate"


class MIMESH_PT_sequencer_generate(_Generate, InSequencer, bpy.types.Panel):
    """Make the face talk"""

    bl_idname = "MIMESH_PT_sequencer_generate"


class MIMESH_PT_options(_Options, InView3D, bpy.types.Panel):
    """Eyes, seed, and what happens to keys that are there"""

    bl_idname = "MIMESH_PT_options"
    bl_parent_id = "MIMESH_PT_generate"


class MIMESH_PT_sequencer_options(_Options, InSequencer, bpy.types.Panel):
    """Eyes, seed, and what happens to keys that are there"""

    bl_idname = "MIMESH_PT_sequencer_options"
    bl_parent_id = "MIMESH_PT_sequencer_generate"


_CLASSES = (MIMESH_PT_generate, MIMESH_PT_sequencer_generate, MIMESH_PT_options, MIMESH_PT_sequencer_options)
register, unregister = classes_factory(_CLASSES)
