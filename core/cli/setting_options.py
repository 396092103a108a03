# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the command line from the declarations of :mod:`core.settings`.

An option that is not given leaves the setting at its default; what is out of range is refused by the setting itself.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any, TypeVar

from ..settings_schema import SettingField, SettingsGroup, limits_in_words, setting_fields

T = TypeVar("T", bound=SettingsGroup)
_METAVARS: dict[type, str] = {int: "N", float: "NUMBER", str: "NAME", Path: "FILE"}


def add_setting_options(parser: argparse.ArgumentParser, *groups: type[SettingsGroup]) -> None:
    """One option for each setting that is offered."""
    for group in groups:
        for item in setting_fields(group):
            if item.setting.offered:
                parser.add_argument(item.cli, dest=_dest(group, item), default=None, help=_help(item), **_form(item))


def given_settings(options: argparse.Namespace, group: type[SettingsGroup]) -> dict[str, Any]:
    """The values that were typed, by field name."""
    found = {item.name: getattr(options, _dest(group, item), None) for item in setting_fields(group)}
    return {name: value for name, value in found.items() if value is not None}


def read_settings(options: argparse.Namespace, group: type[T]) -> T:
    """The group that the options describe. Raises :class:`SettingsError`."""
    return group(**given_settings(options, group))


def _dest(group: type[SettingsGroup], item: SettingField) -> str:
    return f"{group.__name__}.{item.name}"


def _form(item: SettingField) -> dict[str, Any]:
    """How the option is typed."""
    if item.setting.flag:
        return {"action": "store_const", "const": item.setting.flag}
    if item.kind is bool:
        return {"action": "store_const", "const": not item.default}
    if item.setting.unit == "radians":
        return {"type": _radians, "metavar": "DEGREES"}
    return {"type": item.kind, "metavar": _METAVARS[item.kind]}


def _radians(degrees: str) -> float:
    return math.radians(float(degrees))


# argparse names the type in its complaint
_radians.__name__ = "float"


def _help(item: SettingField) -> str:
    declared = item.setting
    if declared.flag:
        chosen = next(choice for choice in declared.known_choices() if choice.value == declared.flag)
        return _escaped(chosen.help)
    if item.kind is bool:
        return _escaped(f"{'off' if item.default else 'on'}: {declared.help}")
    words = ", ".join(choice.value for choice in declared.known_choices()) or limits_in_words(item)
    known = f" (default: {_default(item)})" if item.default is not None else ""
    return _escaped("; ".join(filter(None, (declared.help, words))) + known)


def _default(item: SettingField) -> str:
    return f"{math.degrees(item.default):g}" if item.setting.unit == "radians" else str(item.default)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
