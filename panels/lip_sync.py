# SPDX-License-Identifier: GPL-3.0-or-later
"""The main panel: what speaks, who shows how, which face, and the button. Only reads properties and draws."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.settings import BakeSettings, EyesSettings, FaceSettings, RunSettings
from ..operators.generate import generate_disabled_reason
from ..operators.properties import MimeshRun, MimeshSettings, can_mix_styles, run_state, scene_settings
from ..operators.stubs import classes_factory
from ..operators.style_list import style_list
from ..operators.styles import has_style
from .settings import draw_group, draw_setting
from .styles import draw_library
from .words import CATEGORY, draw_words

_OUTCOME_ICONS: dict[str, Any] = {"done": "CHECKMARK", "failed": "ERROR", "cancelled": "CANCEL"}


class MIMESH_PT_lip_sync(bpy.types.Panel):
    """Sources, settings, Generate, progress, last result"""

    bl_label = "Lip Sync"
    bl_idname = "MIMESH_PT_lip_sync"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY

    def draw(self, context: bpy.types.Context) -> None:
        """From top to bottom in the order of work."""
        layout: bpy.types.UILayout = self.layout
        settings, run = scene_settings(context), run_state(context)
        column = layout.column()
        column.enabled = not run.running
        _draw_sources(column, settings, context)
        _draw_engine(column, settings, context)
        _draw_amounts(column, settings)
        if run.running:
            _draw_progress(layout, run)
        else:
            _draw_button(layout, context)
        _draw_result(layout, run, context)


def _draw_sources(layout: bpy.types.UILayout, settings: MimeshSettings, context: bpy.types.Context) -> None:
    box = layout.column(align=True)
    row = box.row()
    row.label(text="Speech", icon="SPEAKER")
    row.operator("mimesh.pick_sources", text="", icon="EYEDROPPER")
    box.row(align=True).prop(settings, "speech_kind", expand=True)
    box.prop(settings, f"speech_{settings.speech_kind}", text="")
    box = layout.column(align=True)
    box.label(text="Reference: who talks like this", icon="FILE_MOVIE")
    box.row(align=True).prop(settings, "reference_kind", expand=True)
    field = {"strip": "reference_strip", "file": "reference_file", "style": "style_file"}.get(settings.reference_kind)
    if field:
        box.prop(settings, field, text="")
    if settings.reference_kind == "style":
        draw_library(layout, settings, context)
    box = layout.column(align=True)
    row = box.row()
    row.label(text="Face", icon="MESH_MONKEY")
    row.operator("mimesh.add_demo_head", text="Demo Head", icon="ADD")
    box.prop(settings, "target", text="")


def _draw_engine(layout: bpy.types.UILayout, settings: MimeshSettings, context: bpy.types.Context) -> None:
    box = layout.column(align=True)
    box.label(text="Engine", icon="MODIFIER")
    box.row(align=True).prop(settings, "engine", expand=True)
    if not can_mix_styles(settings):
        return
    box.prop_search(settings, "second_style", style_list(context), "items", text="Mix with", icon="USER")
    if settings.second_style:
        draw_setting(box, settings, FaceSettings, "style_mix")


def _draw_amounts(layout: bpy.types.UILayout, settings: MimeshSettings) -> None:
    column = layout.column(align=True)
    column.active = settings.reference_kind != "none"
    draw_group(column, settings, FaceSettings, leave_out=("engine", "style_mix"))
    column = layout.column(align=True)
    draw_group(column, settings, EyesSettings)
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    draw_setting(column, settings, RunSettings, "seed")
    # the neck's share stands with the head
    draw_group(column, settings, BakeSettings, leave_out=("neck_share",))


def _draw_button(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    row = layout.row()
    row.scale_y = 1.8
    row.operator("mimesh.generate_lip_sync", icon="PLAY")
    reason = generate_disabled_reason(context)
    if reason:
        draw_words(layout, reason, context, icon="INFO")
    layout.operator("mimesh.clear_animation", icon="X")


def _draw_progress(layout: bpy.types.UILayout, run: MimeshRun) -> None:
    column = layout.column(align=True)
    column.label(text=f"{run.stage}…")
    column.progress(factor=run.fraction, text=_progress_text(run))
    column.operator("mimesh.cancel", text="Cancel (Esc)", icon="CANCEL")


def _progress_text(run: MimeshRun) -> str:
    percent = f"{run.fraction:.0%}"
    return percent if run.seconds_left < 0 else f"{percent}, {run.seconds_left:.0f} s left"


def _draw_result(layout: bpy.types.UILayout, run: MimeshRun, context: bpy.types.Context) -> None:
    if run.running or not run.result:
        return
    box = layout.box()
    box.label(text="Last run", icon=_OUTCOME_ICONS[run.outcome])
    words = box.column()
    words.alert = run.outcome == "failed"
    for line in run.result.splitlines():
        draw_words(words, line, context)
    if has_style() and run.outcome == "done":
        row = box.row(align=True)
        row.operator("mimesh.keep_style", icon="ASSET_MANAGER")
        row.operator("mimesh.save_style", text="", icon="FILE_TICK")


register, unregister = classes_factory((MIMESH_PT_lip_sync,))
