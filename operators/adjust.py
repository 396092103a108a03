# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders after the bake: properties that key the line while they are dragged, and one operator for all."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy
from bl_operators.presets import AddPresetBase

from ..core.adjust_settings import AdjustSettings
from ..core.errors import MimeshError
from ..core.settings_schema import SettingField, setting_fields
from .adopt import adopt_soon
from .properties import busy_reason, run_state, scene_settings
from .setting_properties import declare_here
from .stubs import OperatorResult, classes_factory, explain
from .tidy_later import tidy_soon

if TYPE_CHECKING:
    from ..core.blender.kept import KeptLine

ADJUST_PRESETS = "mimesh/adjust"
_log = logging.getLogger(__name__)


class MimeshAdjust(bpy.types.PropertyGroup):
    """How the chosen line is adjusted: read from the line, and written to its keys at once"""

    line: bpy.props.StringProperty(
        name="Line",
        description="Which line of the face to adjust; empty is the one of the chosen speech, else the newest",
        search=lambda self, context, edit_text: _line_names(context),
    )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The settings, which are declared in core.settings."""


class _Held:
    """While a preset is read, its values are gathered and keyed once."""

    values: dict[str, Any] | None = None


def _access(item: SettingField) -> dict[str, Any]:
    def get(self: MimeshAdjust) -> Any:
        found = current_adjust(bpy.context)
        return item.default if found is None else getattr(found, item.name)

    def set_(self: MimeshAdjust, value: Any) -> None:
        if _Held.values is not None:
            _Held.values[item.name] = value
        else:
            # without a window nobody drags, and nothing comes later
            adjust_now(bpy.context, {item.name: value}, dragged=not bpy.app.background)

    return {"get": get, "set": set_}


declare_here(MimeshAdjust, AdjustSettings, _access)


def current_line(context: bpy.types.Context) -> KeptLine | None:
    """The line that the sliders are of; None where the face has none."""
    from ..core.blender.kept import find_line

    settings = scene_settings(context)
    if settings.target is None or settings.target.data is None or settings.target.data.shape_keys is None:
        return None
    speech = settings.speech_strip if settings.speech_kind == "strip" else settings.speech_file
    sound = context.scene.mimesh_adjust.line or speech
    try:
        return find_line(settings.target, sound)
    except MimeshError:
        if adopt_soon(settings.target):
            return find_line(settings.target, sound)
        return None


def current_adjust(context: bpy.types.Context) -> AdjustSettings | None:
    """How that line is adjusted."""
    from ..core.blender.adjust_record import line_adjust

    line = current_line(context)
    return None if line is None else line_adjust(line)


def _line_names(context: bpy.types.Context) -> Iterator[str]:
    from ..core.blender.kept import kept_lines

    target = scene_settings(context).target
    return (line.line.sound for line in kept_lines(target)) if target is not None else iter(())


def current_miss(context: bpy.types.Context) -> str:
    """What tidying that line could not reach, in a sentence; empty where it is as wanted."""
    from ..core.blender.adjust_record import line_adjust, tidy_miss

    line = current_line(context)
    missed = None if line is None else tidy_miss(line)
    return "" if line is None or missed is None else missed.sentence(line_adjust(line))


def adjust_now(context: bpy.types.Context, values: dict[str, Any], dragged: bool = False) -> str:
    """Key the line with these values changed; returns the reason where it cannot be, which the panel shows too.

    dragged: by a slider; a tidied line is then tidied anew a moment after the last change.
    """
    from ..core.blender.adjust import adjust_line
    from ..core.blender.adjust_record import line_adjust

    run, line = run_state(context), current_line(context)
    if run.running:
        return f"{run.task} is running."
    if line is None:
        return "Generate first: then the line can be adjusted."
    try:
        # Blender stores 32 bits
        exact = {name: float(f"{v:.7g}") if isinstance(v, float) else v for name, v in values.items()}
        adjust_line(scene_settings(context).target, line, dataclasses.replace(line_adjust(line), **exact), dragged)
    except MimeshError as error:
        run.result, run.outcome = str(error), "failed"
        return str(error)
    if dragged:
        tidy_soon()
    return ""


class OnKeptLine:
    """What the operators have in common that change the chosen line by its kept motion."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a line whose motion is kept."""
        return explain(cls, adjust_disabled_reason(context))


class MIMESH_OT_adjust_line(OnKeptLine, bpy.types.Operator):
    """Key the line anew from its kept motion; what is not given stays as it is"""

    bl_idname = "mimesh.adjust_line"
    bl_label = "Adjust Line"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Begin with the values that the line has."""
        present = current_adjust(context)
        for item in setting_fields(AdjustSettings):
            if present is not None and not self.properties.is_property_set(item.name):
                setattr(self, item.name, getattr(present, item.name))
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Says in a word what is wrong."""
        names = [item.name for item in setting_fields(AdjustSettings)]
        given = {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}
        reason = adjust_now(context, given)
        if reason:
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        if missed := current_miss(context):
            self.report({"WARNING"}, missed)
        return {"FINISHED"}


declare_here(MIMESH_OT_adjust_line, AdjustSettings)


class MIMESH_OT_reset_adjust(OnKeptLine, bpy.types.Operator):
    """Key the line as it was generated; your own keys stay"""

    bl_idname = "mimesh.reset_adjust"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """All settings at their defaults."""
        reason = adjust_now(context, AdjustSettings().values())
        if reason:
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        return {"FINISHED"}


class MIMESH_OT_add_adjust_preset(AddPresetBase, bpy.types.Operator):  # type: ignore[misc]
    """Keep the present adjustment as a preset, or remove one"""

    bl_idname = "mimesh.add_adjust_preset"
    bl_label = "Add Adjust Preset"
    preset_menu = "MIMESH_PT_adjust_presets"
    preset_subdir = ADJUST_PRESETS
    # whole paths and no preset_defines, as in operators.presets
    preset_values = tuple(f"bpy.context.scene.mimesh_adjust.{item.name}" for item in setting_fields(AdjustSettings))


def hold_values() -> None:
    """Gather what is set from now on."""
    _Held.values = {}


def key_held_values(context: bpy.types.Context) -> str:
    """Key what was gathered; returns the reason where it cannot be."""
    values, _Held.values = _Held.values, None
    if not values:
        return ""
    reason = adjust_now(context, values)
    if not reason and not bpy.app.background:
        # Blender makes no step of undo for a preset
        bpy.ops.ed.undo_push(message="Adjust Preset")
    return reason


def adjust_disabled_reason(context: bpy.types.Context) -> str:
    """Why the sliders are grey, in one sentence; empty when they are not."""
    if reason := busy_reason(context):
        return reason
    if scene_settings(context).target is None:
        return "Choose the mesh of the face."
    line = current_line(context)
    if line is None:
        return "Generate first: then the line can be adjusted."
    if not line.has_motion:
        return "The motion of this line is not kept: generate it again. Your edited keys stay."
    return ""


_CLASSES = (
    MimeshAdjust,
    MIMESH_OT_adjust_line,
    MIMESH_OT_reset_adjust,
    MIMESH_OT_add_adjust_preset,
)
_register_classes, _unregister_classes = classes_factory(_CLASSES)


def register() -> None:
    """Attach the sliders to the scene."""
    _register_classes()
    bpy.types.Scene.mimesh_adjust = bpy.props.PointerProperty(type=MimeshAdjust)  # type: ignore


def unregister() -> None:
    """Detach them and stop watching actions; what was adjusted is noted with the lines."""
    from ..core.blender.key_memory import unwatch

    unwatch()
    del bpy.types.Scene.mimesh_adjust  # type: ignore[attr-defined]
    _unregister_classes()
