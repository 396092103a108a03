# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declared setting is, and all that follows from the declaration: checks, JSON, what it affects.

Standard library only, because Blender imports it at start. The settings themselves are in :mod:`core.settings`; the
command line (:mod:`core.cli.setting_options`) and Blender (:mod:`operators.setting_properties`) read the same
declarations.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from .errors import SettingsError

Affected = Literal["face", "head", "eyes", "bake"]
_KEY = "setting"
_KINDS = (bool, int, float, str, Path)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of a setting that takes words."""

    value: str
    label: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of one setting.

    unit: "radians" is shown and typed in degrees. low, high: limits, both allowed. step: of a slider, in the unit.
    cli: option of the command line, else made of the field's name. flag: the value that the option stands for, where
    it takes none. choices: what a word may be, or a function that tells; pattern: a regular expression of further
    words. subtype: Blender's. prop: path of Blender's property below ``scene.mimesh``, else made of the field's name.
    offered: False keeps it out of panel and command line. affects: what must be made again when it changes. aliases:
    older names in files.
    """

    label: str
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    cli: str = ""
    flag: str = ""
    choices: tuple[Choice, ...] | Callable[[], tuple[Choice, ...]] = ()
    pattern: str = ""
    subtype: str = ""
    prop: str = ""
    offered: bool = True
    affects: frozenset[Affected] = frozenset()
    aliases: tuple[str, ...] = ()

    def known_choices(self) -> tuple[Choice, ...]:
        """What a word may be at present; empty for any."""
        return self.choices() if callable(self.choices) else self.choices


def setting(default: Any, *, label: str, help: str, affects: tuple[Affected, ...] = (), **rest: Any) -> Any:  # noqa: A002
    """A dataclass field that is a setting; ``rest`` as in :class:`Setting`."""
    declared = Setting(label=label, help=help, affects=frozenset(affects), **rest)
    return dataclasses.field(default=default, metadata={_KEY: declared})


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting and the dataclass field that it was declared on. kind: bool, int, float, str or Path."""

    name: str
    kind: type
    default: Any
    setting: Setting
    cli: str
    prop: str


def setting_fields(group: type[Any]) -> tuple[SettingField, ...]:
    """The settings of a group in the order of their declaration. Raises TypeError for a type that has no rules."""
    return _declared(group)  # type: ignore[arg-type]


@functools.cache
def _declared(group: Any) -> tuple[SettingField, ...]:
    hints = get_type_hints(group)
    return tuple(_field(group, item, hints[item.name]) for item in dataclasses.fields(group) if _KEY in item.metadata)


def _field(group: type[SettingsGroup], item: dataclasses.Field[Any], hint: Any) -> SettingField:
    declared: Setting = item.metadata[_KEY]
    named = [name for name in (group.prefix, item.name) if name]
    cli = declared.cli or ("--no-" if item.default is True else "--") + "-".join(named).replace("_", "-")
    prop = declared.prop or ".".join(name for name in (group.place, item.name) if name)
    return SettingField(item.name, _kind(group, item.name, hint), item.default, declared, cli, prop)


def _kind(group: type[SettingsGroup], name: str, hint: Any) -> type:
    if get_origin(hint) is Literal:
        return str
    kinds = [part for part in (get_args(hint) or (hint,)) if part in _KINDS]
    if len(kinds) != 1:
        raise TypeError(f"{group.__name__}.{name} is declared as {hint}, which is no kind of setting")
    return kinds[0]


class SettingsGroup:
    """Base of dataclasses of settings. prefix: of their options. place: of their properties in ``scene.mimesh``."""

    prefix: ClassVar[str] = ""
    place: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Raises :class:`SettingsError` for a value that its declaration does not allow."""
        for item in setting_fields(type(self)):
            _require_valid(item, getattr(self, item.name))

    def values(self) -> dict[str, Any]:
        """Each setting by its field's name."""
        return {item.name: getattr(self, item.name) for item in setting_fields(type(self))}

    def to_json(self) -> dict[str, Any]:
        """Plain values by field name; paths are absolute, because the engine runs in another folder."""
        return {name: _plain(value) for name, value in self.values().items()}

    @classmethod
    def from_json(cls, data: dict[str, Any], lenient: bool = False) -> Self:
        """Inverse of :meth:`to_json`, also of older names; what is lacking or unknown is left at its default.

        Raises :class:`SettingsError` on nonsense, which ``lenient`` replaces by the default: for what was written by
        another version.
        """
        values = {}
        for item in setting_fields(cls):
            known = [name for name in (item.name, *item.setting.aliases) if name in data]
            if known:
                values[item.name] = _read(item, data[known[0]], lenient)
        return cls(**values)


def kept_settings(before: SettingsGroup, after: SettingsGroup, made_again: Set[Affected]) -> Any:
    """``after``, but what has no effect on what was made again as it was ``before``: that is still true."""
    fields = setting_fields(type(after))
    untouched = [item.name for item in fields if item.setting.affects.isdisjoint(made_again)]
    return dataclasses.replace(after, **{name: getattr(before, name) for name in untouched})  # type: ignore[type-var]


def limits_in_words(item: SettingField) -> str:
    """The range of a number as it is typed: "0 to 1.5", "at least 0", or nothing."""
    low, high = item.setting.low, item.setting.high
    if low is not None and high is not None:
        return f"{_shown(item, low)} to {_shown(item, high)}{_unit(item)}"
    if low is not None:
        return f"at least {_shown(item, low)}{_unit(item)}"
    return "" if high is None else f"at most {_shown(item, high)}{_unit(item)}"


def _require_valid(item: SettingField, value: object) -> None:
    if not _has_kind(item, value):
        raise SettingsError(f"{item.setting.label} is {value!r:.80}, which is no {_KIND_WORDS[item.kind]}.")
    if isinstance(value, str) and item.setting.choices:
        _require_choice(item, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        _require_within(item, value)


_KIND_WORDS = {bool: "yes or no", int: "whole number", float: "number", str: "text", Path: "path"}


def _has_kind(item: SettingField, value: object) -> bool:
    if item.kind in (int, float):
        return isinstance(value, (int,) if item.kind is int else (int, float)) and not isinstance(value, bool)
    return isinstance(value, item.kind) or (value is None and item.default is None)


def _require_choice(item: SettingField, value: str) -> None:
    known = [choice.value for choice in item.setting.known_choices()]
    if value not in known and not (item.setting.pattern and re.fullmatch(item.setting.pattern, value)):
        label = item.setting.label.lower()
        raise SettingsError(f"There is no {label} called {value!r:.80}; there are: {', '.join(known)}.")


# a larger whole number has no counterpart in numpy, nor as a float
_BEYOND_NUMPY = 2**63


def _require_within(item: SettingField, value: float) -> None:
    low, high = item.setting.low, item.setting.high
    known = abs(value) < _BEYOND_NUMPY if isinstance(value, int) else math.isfinite(value)
    if isinstance(value, int) and not known and high is None:
        raise SettingsError(f"{item.setting.label} is {_shown(item, value)}; it must be less than {_BEYOND_NUMPY}.")
    if known and (low is None or low <= value) and (high is None or value <= high):
        return
    wanted = f"lie between {limits_in_words(item).replace(' to ', ' and ')}"
    if low is None or high is None:
        wanted = f"be {limits_in_words(item) or 'finite'}"
    raise SettingsError(f"{item.setting.label} is {_shown(item, value)}{_unit(item)}; it must {wanted}.")


def _shown(item: SettingField, value: float) -> str:
    if item.setting.unit == "radians" and abs(value) < _BEYOND_NUMPY:
        return f"{math.degrees(value):.4g}"
    return f"{value!s:.80}" if isinstance(value, int) else f"{value:g}"


def _unit(item: SettingField) -> str:
    unit = "degrees" if item.setting.unit == "radians" else item.setting.unit
    return f" {unit}" if unit else ""


def _plain(value: object) -> object:
    return str(value.expanduser().absolute()) if isinstance(value, Path) else value


def _read(item: SettingField, value: Any, lenient: bool) -> Any:
    is_path = item.kind is Path and isinstance(value, str | None)
    read: Any = (Path(value) if value else None) if is_path else value
    try:
        _require_valid(item, read)
    except SettingsError:
        if not lenient:
            raise
        return item.default
    return float(read) if item.kind is float else read
