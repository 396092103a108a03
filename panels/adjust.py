# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about what is done with the keys after a run: sliders that need no engine."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..core.adjust_settings import AdjustSettings
from ..operators.adjust import (
    ADJUST_PRESETS,
    MIMESH_OT_add_adjust_preset,
    adjust_disabled_reason,
    current_miss,
    hold_values,
    key_held_values,
)
from ..operators.adjust_ahead import prepare_soon
from ..operators.closures import open_closures
from ..operators.layers import drawn_layers
from ..operators.properties import run_state
from ..operators.sentences import translated
from ..operators.stubs import classes_factory
from .places import InView3D, Order
from .settings import draw_setting_of
from .words import draw_words, fit_beside

_GROUPS = (
    ("style_strength",),
    ("mouth", "jaw", "brows", "blinks", "gaze", "head"),
    ("balance", "asymmetry", "closure_emphasis"),
    ("smoothing_ms", "lead_frames"),
    ("ease_in_seconds", "ease_out_seconds"),
    ("tidy_mm", "keys_on"),
)

# of a row: the steps through open closures, left of the button that repairs them
_STEPS_SHARE = 0.6


class MIMESH_PT_adjust_presets(PresetPanel, bpy.types.Panel):
    """Adjustments under a name"""

    bl_label = "Adjust Presets"
    preset_subdir = ADJUST_PRESETS
    preset_operator = "script.execute_preset"
    preset_add_operator = MIMESH_OT_add_adjust_preset.bl_idname

    @staticmethod
    def reset_cb(context: bpy.types.Context, filepath: str = "") -> None:
        """Before Blender reads a preset, whose values are then keyed together."""
        hold_values()

    @staticmethod
    def post_cb(context: bpy.types.Context, filepath: str = "") -> None:
        """After it."""
        key_held_values(context)


class MIMESH_PT_adjust(InView3D, bpy.types.Panel):
    """Change what was generated, or take it away"""

    bl_idname = "MIMESH_PT_adjust"
    bl_label = "Adjust"
    bl_order = Order.ADJUST
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Presets, as Blender's own panels have them."""
        MIMESH_PT_adjust_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """What works on keys that are there."""
        layout: bpy.types.UILayout = self.layout
        reason = adjust_disabled_reason(context)
        adjust = context.scene.mimesh_adjust
        column = layout.column()
        names = [adjust.bl_rna.properties[name].name for group in _GROUPS for name in group]
        column.use_property_split = fit_beside(names, context)
        column.use_property_decorate = False
        column.enabled = not reason
        if not reason:
            prepare_soon()
        row = column.row(align=True)
        row.prop(adjust, "line", placeholder="Chosen speech")
        row.operator("mimesh.reset_adjust", text="", icon="LOOP_BACK")
        for group in _GROUPS:
            block = column.column(align=True)
            for name in group:
                draw_setting_of(block, adjust, AdjustSettings, name)
        row = column.row(align=True)
        row.operator("mimesh.tidy_keys")
        row.operator("mimesh.tidy_keys", text="", icon="LOOP_BACK").error_mm = 0.0
        if missed := current_miss(context):
            draw_words(column, missed, context, icon="ERROR")
        _draw_closures(column, context)
        _draw_layers(column, context)
        if reason:
            draw_words(layout, reason, context, icon="INFO")
        column = layout.column(align=True)
        column.enabled = not run_state(context).running
        column.operator("mimesh.regenerate_head", icon="FILE_REFRESH")
        column.operator("mimesh.clear_animation", icon="X")


def _draw_closures(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The button, and below it what it has found."""
    column.operator("mimesh.check_closures")
    found = open_closures(context)
    if not found:
        return
    # parts of fixed width: the arrows stay under the pointer while the words between them change
    parts = column.split(factor=_STEPS_SHARE, align=True)
    row = parts.row(align=True)
    row.operator("mimesh.show_open_closure", text="", icon="TRIA_LEFT").back = True
    middle = row.split()
    middle.alignment = "CENTER"
    now = context.scene.frame_current
    place = f"{found.index(now) + 1} of {len(found)}" if now in found else str(len(found))
    middle.label(text=translated(f"Open: {place}"), icon="ERROR", translate=False)
    row.operator("mimesh.show_open_closure", text="", icon="TRIA_RIGHT")
    parts.operator("mimesh.check_closures", text="Repair", icon="TOOL_SETTINGS").repair = True


def _draw_layers(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The button, or a row for each layer."""
    with drawn_layers(context) as layers:
        if not layers:
            column.operator("mimesh.layer_line", icon="NLA")
            return
        rows = column.column(align=True)
        for part, found in layers.items():
            row = rows.row(align=True)
            row.prop(context.scene.mimesh_layers, part, slider=True)
            for layer in found:
                muted = layer.track.mute
                row.prop(layer.track, "mute", text="", icon="HIDE_ON" if muted else "HIDE_OFF", emboss=False)
        column.operator("mimesh.unlayer_line", icon="NLA_PUSHDOWN")


register, unregister = classes_factory((MIMESH_PT_adjust_presets, MIMESH_PT_adjust))
