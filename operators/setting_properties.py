# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's properties from the declarations of :mod:`core.settings`, and the settings from the properties."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import bpy

from ..core.settings_schema import SettingField, SettingsGroup, setting_fields
from .stubs import PATH_OPTIONS

T = TypeVar("T", bound=SettingsGroup)
# Blender shows no such units, unless the scene is measured in them: they stand in the name
_NAMED_UNITS = ("ms", "mm", "frames")


def declare(owner: type[Any], place: str, groups: Iterable[type[SettingsGroup]]) -> None:
    """Give a property group, before it is registered, the settings whose properties lie in ``place``."""
    for item in (item for group in groups for item in setting_fields(group) if item.setting.offered):
        where, _, name = item.prop.rpartition(".")
        if where != place:
            continue
        if name in owner.__annotations__:
            raise TypeError(f"{owner.__name__} has two properties called {name}; give one of the settings a prop.")
        owner.__annotations__[name] = _property(item)


def declare_on_operator(operator: type[Any], items: Iterable[SettingField]) -> None:
    """Give an operator class, before it is registered, properties for some settings; each run begins without them."""
    for item in items:
        operator.__annotations__[item.prop.rpartition(".")[2]] = _property(item, options={"SKIP_SAVE"})


def read_group(settings: Any, group: type[T]) -> T:
    """The settings as they stand. Raises :class:`SettingsError`."""
    return group(**{item.name: _value(settings, item) for item in setting_fields(group) if item.setting.offered})


def property_of(group: type[SettingsGroup], name: str) -> Any:
    """The property of one setting, for a place of its own."""
    return _property(next(item for item in setting_fields(group) if item.name == name))


def owner_of(settings: Any, item: SettingField) -> tuple[Any, str]:
    """The property group that holds the setting, and its name there, as ``layout.prop`` takes them."""
    *groups, name = item.prop.split(".")
    for group in groups:
        settings = getattr(settings, group)
    return settings, name


def _value(settings: Any, item: SettingField) -> Any:
    value = getattr(*owner_of(settings, item))
    if item.kind is Path:
        return Path(bpy.path.abspath(value)) if value else None
    # Blender stores 32 bits: as typed, so that a slider's end lies within the limit, as on the command line
    return float(f"{value:.7g}") if item.kind is float else value


def declare_here(
    owner: type[Any], group: type[SettingsGroup], access: Callable[[SettingField], dict[str, Any]] | None = None
) -> None:
    """Give a class that is not registered yet every setting of a group by its field's name, wherever it lies.

    access: further arguments of each property, such as ``get`` and ``set``.
    """
    for item in setting_fields(group):
        owner.__annotations__[item.name] = _property(item, **(access(item) if access else {}))


def shown_name(item: SettingField, translate: Callable[[str], str] = str) -> str:
    """What the interface calls a setting: its label, with the unit where the value is shown without."""
    name, unit = translate(item.setting.label), item.setting.unit
    return f"{name} ({translate(unit)})" if unit in _NAMED_UNITS else name


def _property(item: SettingField, **rest: Any) -> Any:
    declared = item.setting
    words: dict[str, Any] = {"name": shown_name(item), "description": declared.help, **rest}
    if item.default is not None:
        words["default"] = item.default
    if declared.subtype:
        words["subtype"] = declared.subtype
    if declared.subtype in ("FILE_PATH", "DIR_PATH"):
        words["options"] = PATH_OPTIONS
    if item.kind is bool:
        return bpy.props.BoolProperty(**words)
    if item.kind is int:
        return bpy.props.IntProperty(**words, **_limits(item), step=round(declared.step or 1))
    if item.kind is float:
        if declared.unit == "s":
            words |= {"subtype": "TIME_ABSOLUTE", "unit": "TIME_ABSOLUTE"}
        # Blender counts a float's step in hundredths
        return bpy.props.FloatProperty(**words, **_limits(item), step=round(100 * (declared.step or 0.01)))
    if declared.choices and not declared.pattern:
        items = [(choice.value, choice.label, choice.help) for choice in declared.known_choices()]
        return bpy.props.EnumProperty(**words, items=items)
    if declared.choices:
        words |= {"search": _searching(item), "search_options": {"SUGGESTION"}}
    return bpy.props.StringProperty(**words)


def _limits(item: SettingField) -> dict[str, Any]:
    found = {"min": item.setting.low, "max": item.setting.high}
    return {name: item.kind(limit) for name, limit in found.items() if limit is not None}


def _searching(item: SettingField) -> Callable[..., list[str]]:
    known = [choice.value for choice in item.setting.known_choices()]
    return lambda self, context, edit_text: known
