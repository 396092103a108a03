# SPDX-License-Identifier: GPL-3.0-or-later
"""Traits of a saved style: measured beside the average, adjusted, and copied from another style."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import bpy

from ..core.errors import MimeshError, SettingsError
from ..core.settings_schema import setting_fields
from ..core.trait_settings import TraitAmounts
from .assets import follow_library
from .engine_access import engine_client
from .generate import engine_disabled_reason, speech_disabled_reason
from .properties import busy_reason, freeze_settings, scene_settings
from .setting_properties import declare_here
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory, explain
from .style_list import active_style, refresh_styles, style_library, style_list

if TYPE_CHECKING:
    from ..core.style.style import Style

_NAMES = tuple(item.name for item in setting_fields(TraitAmounts))


def traits_rows(context: bpy.types.Context) -> list[str]:
    """What is known of the selected style's traits, a line each; empty where nothing was measured."""
    from ..core.style.traits import style_amounts, style_measures

    style = _selected(context)
    measured = style_measures(style)
    if not measured:
        return []
    amounts, rows = style_amounts(style), []
    for item in setting_fields(TraitAmounts):
        name = item.name
        person, average = getattr(measured["person"], name), getattr(measured["average"], name)
        ratio = f"{person / average:.1f} x average" if average > 1e-6 else f"{person:.1f} a minute"
        amount = getattr(amounts, name)
        rows.append(f"{item.setting.label}: {ratio}" + (f", times {amount:.2f}" if amount != 1.0 else ""))
    return rows


class MIMESH_OT_measure_traits(SteppedOperator, bpy.types.Operator):
    """Measure the selected style on the chosen speech, beside the average speaker; kept with the style"""

    bl_idname = "mimesh.measure_traits"
    bl_label = "Measure Traits"
    bl_options = {"INTERNAL"}

    task = "Measure Traits"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a style, a speech and the engine."""
        reason = _traits_disabled_reason(context)
        if not reason and context.scene is not None:
            reason = speech_disabled_reason(context.scene, scene_settings(context)) or engine_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.measure_traits."""
        from ..core.blender.measure_traits import measure_steps
        from ..core.style.traits import style_amounts, with_traits

        style = _selected(context)
        settings = freeze_settings(scene_settings(context))
        measured = yield from measure_steps(context.scene, settings, style, engine_client(context))
        _save(self, context, with_traits(style, style_amounts(style), measured))
        return f"Measured the traits of {style.name}.\n" + "\n".join(traits_rows(context))


class MIMESH_OT_adjust_traits(bpy.types.Operator):
    """Change the traits of the selected style; what is generated with it next follows"""

    bl_idname = "mimesh.adjust_traits"
    bl_label = "Adjust Traits"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a style."""
        reason = _traits_disabled_reason(context)
        return explain(cls, reason)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Begin with what the style has."""
        from ..core.style.traits import style_amounts

        try:
            amounts = style_amounts(_selected(context))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for name, value in amounts.values().items():
            setattr(self, name, value)
        self._rows = traits_rows(context) or ["Not measured yet: Measure Traits compares with the average."]
        return context.window_manager.invoke_props_dialog(self, width=320, confirm_text="Keep")

    def draw(self, context: bpy.types.Context) -> None:
        """A slider each, and what was measured."""
        layout: bpy.types.UILayout = self.layout
        layout.use_property_split = True
        for name in _NAMES:
            layout.prop(self, name, slider=True)
        for row in self._rows:
            layout.label(text=row)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Written into the style's file."""
        from ..core.style.traits import with_traits

        try:
            amounts = TraitAmounts(**{name: float(f"{getattr(self, name):.4g}") for name in _NAMES})
            _save(self, context, with_traits(_selected(context), amounts))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


declare_here(MIMESH_OT_adjust_traits, TraitAmounts)


def _search_other(self: MIMESH_OT_copy_traits, context: bpy.types.Context, edit_text: str) -> Iterable[str]:
    selected = active_style(context)
    return [item.name for item in style_list(context).items if selected is None or item.name != selected.name]


class MIMESH_OT_copy_traits(bpy.types.Operator):
    """Bring traits of the selected style to those of another one; both must have been measured"""

    bl_idname = "mimesh.copy_traits"
    bl_label = "Copy Traits From"
    bl_options = {"INTERNAL"}

    other: bpy.props.StringProperty(name="From", description="The other style", search=_search_other)
    traits: bpy.props.EnumProperty(
        name="Traits",
        items=[(item.name, item.setting.label, item.setting.help) for item in setting_fields(TraitAmounts)],
        options={"ENUM_FLAG"},
        default=set(_NAMES),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a style."""
        reason = _traits_disabled_reason(context)
        return explain(cls, reason)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask from which."""
        return context.window_manager.invoke_props_dialog(self, width=320, confirm_text="Copy")

    def draw(self, context: bpy.types.Context) -> None:
        """The other style and which traits."""
        layout: bpy.types.UILayout = self.layout
        layout.prop(self, "other")
        layout.column().prop(self, "traits")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Written into the selected style's file; the other one is only read."""
        from ..core.style.traits import amounts_like, style_amounts, style_measures, with_traits

        try:
            style, other = _selected(context), _load(context, self.other)
            own, wanted = style_measures(style), style_measures(other)
            for measured, whose in ((own, style), (wanted, other)):
                if not measured:
                    raise SettingsError(f'The traits of "{whose.name}" are not measured.', "Measure them first.")
            names = tuple(name for name in _NAMES if name in self.traits)
            copied = amounts_like(own["person"], wanted["person"], names)
            amounts = dataclasses.replace(style_amounts(style), **{name: getattr(copied, name) for name in names})
            _save(self, context, with_traits(style, amounts))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _traits_disabled_reason(context: bpy.types.Context) -> str:
    if reason := busy_reason(context):
        return reason
    item = active_style(context)
    if item is None:
        return "Select a style of the library first."
    return f"The style {item.name} cannot be read." if item.problem else ""


def _selected(context: bpy.types.Context) -> Style:
    item = active_style(context)
    if item is None:
        raise SettingsError("No style is selected.", "Select one in the library.")
    return _load(context, item.name)


def _load(context: bpy.types.Context, name: str) -> Style:
    from ..core.style.style import Style

    return Style.load(style_library(context).find(name).path)


def _save(operator: bpy.types.Operator, context: bpy.types.Context, style: Style) -> None:
    style_library(context).save(style, style.name, replace=True)
    refresh_styles(context, style.name)
    follow_library(context, operator)


_CLASSES = (MIMESH_OT_measure_traits, MIMESH_OT_adjust_traits, MIMESH_OT_copy_traits)
register, unregister = classes_factory(_CLASSES)
