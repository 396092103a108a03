# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the settings of a group, so that a new one is drawn where it is declared."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import bpy

from ..core.settings_schema import SettingsGroup, setting_fields
from ..operators.setting_properties import owner_of


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
    """One row; a number between two limits is a slider. look: further arguments of ``layout.prop``."""
    item = next(item for item in setting_fields(group) if item.name == name)
    owner, prop = owner_of(settings, item)
    between = item.kind is float and item.setting.high is not None and item.setting.subtype != "ANGLE"
    layout.prop(owner, prop, slider=between, **look)
