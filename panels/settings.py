# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the settings of a group, so that a new one is drawn where it is declared."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import bpy

from ..core.settings_schema import SettingField, SettingsGroup, setting_fields
from ..operators.sentences import translated
from ..operators.setting_properties import owner_of
from .words import room, text_width, ui_scale

# of a menu: its arrow and the space around the words
_MENU_PIXELS = 34
# of a label: the space around it and the colon
_LABEL_PIXELS = 14


def draw_group(
    layout: bpy.types.UILayout, settings: Any, group: type[SettingsGroup], leave_out: Collection[str] = ()
) -> None:
    """A row for each setting of the group that is offered, in the order of declaration; ``leave_out`` by field."""
    for item in setting_fields(group):
        if item.setting.offered and item.name not in leave_out:
            draw_setting(layout, settings, group, item.name)


def draw_setting(
    layout: bpy.types.UILayout, settings: Any, group: type[SettingsGroup], name: str, **look: Any
) -> None:
    """One row; a number between two limits is a slider. look: further arguments of ``layout.prop``.

    A field of words whose label or value would be cut stands below its label.
    """
    item = next(item for item in setting_fields(group) if item.name == name)
    owner, prop = owner_of(settings, item)
    if item.kind in (str, Path) and "text" not in look and not _fits_beside(item, bpy.context):
        layout = layout.column(align=True)
        layout.label(text=item.setting.label)
        layout.prop(owner, prop, text="", **look)
        return
    between = item.kind is float and item.setting.high is not None and item.setting.subtype != "ANGLE"
    layout.prop(owner, prop, slider=between, **look)


def _fits_beside(item: SettingField, context: bpy.types.Context) -> bool:
    # Blender gives the label about a quarter of the row (measured in a window)
    space = room(context)
    values = (translated(choice.label) for choice in item.setting.known_choices())
    widest = max((text_width(value, context) for value in values), default=0.0)
    label = text_width(translated(item.setting.label), context)
    scale = ui_scale(context)
    return label + _LABEL_PIXELS * scale <= space / 4 and widest + _MENU_PIXELS * scale <= space * 3 / 4


def draw_setting_of(layout: bpy.types.UILayout, owner: Any, group: type[SettingsGroup], name: str) -> None:
    """The same for an owner that has the group's settings by their fields' names."""
    item = next(item for item in setting_fields(group) if item.name == name)
    layout.prop(owner, name, slider=item.setting.high is not None)
