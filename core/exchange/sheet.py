# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet as data: which line is spoken by whom and how, and whether its keys are still right.

Standard library only. Blender keeps the same lines in the scene (:mod:`core.blender.sheet.properties`); the command
line and batches exchange them as JSON.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

from ..errors import SettingsError
from ..files import whole_file

LineKind = Literal["strip", "channel", "file"]
LineState = Literal["blocked", "new", "sound", "settings", "rig", "moved", "edited", "done"]
FORMAT = "mimesh-sheet-1"

STATE_LABELS: dict[LineState, str] = {
    "blocked": "Blocked",
    "new": "New",
    "sound": "Changed sound",
    "settings": "Changed settings",
    "rig": "Changed rig",
    "moved": "Moved",
    "edited": "Edited",
    "done": "Done",
}
# what the engine has to make; a moved line's keys only move
STALE: frozenset[LineState] = frozenset({"new", "sound", "settings", "rig"})
# shifts are whole frames: keys lie on them
_WHOLE_FRAME = 0.01


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of dialogue.

    kind, source: a strip's name, a channel's number (its strips are one speech) or a file's path. first_frame: where
    a file begins, None for the scene's first; strips know it themselves. character: name of the mesh. engine, style:
    empty takes the panel's. note: the artist's. locked: left alone whatever changes.
    """

    kind: LineKind
    source: str
    character: str = ""
    engine: str = ""
    style: str = ""
    note: str = ""
    first_frame: float | None = None
    locked: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(LineKind):
            raise SettingsError(
                f'"{self.kind}" is no kind of dialogue line.', f"Use one of {', '.join(get_args(LineKind))}."
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is at its default is left out."""
        values = dataclasses.asdict(self)
        defaults = {item.name: item.default for item in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value != defaults[name]}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Inverse of :meth:`to_json`. Raises :class:`SettingsError` naming the field that is wrong."""
        if not isinstance(data, dict):
            raise SettingsError(f"This is no line of a sheet: {data!r:.80}.")
        unknown = sorted(set(data) - {item.name for item in dataclasses.fields(cls)})
        if unknown:
            raise SettingsError(f'A line of the sheet has the unknown field "{unknown[0]}".', "Remove it.")
        texts = ("kind", "source", "character", "engine", "style", "note")
        wrong = [name for name in texts if not isinstance(data.get(name, ""), str)]
        frame = data.get("first_frame")
        if isinstance(frame, bool) or not isinstance(frame, int | float | None):
            wrong.append("first_frame")
        if not isinstance(data.get("locked", False), bool):
            wrong.append("locked")
        if wrong:
            raise SettingsError(f'The field "{wrong[0]}" of a line of the sheet is {data[wrong[0]]!r:.60}.')
        if not data.get("kind") or not data.get("source"):
            raise SettingsError("A line of the sheet names no kind or no source.", "Give both.")
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Made:
    """What a line's keys were made from, or what they would be made from now.

    sound, settings, rig: digests. first_frame: where the sound begins, on the frames of keys.
    """

    sound: str
    settings: str
    rig: str
    first_frame: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self | None:
        """Inverse of :meth:`to_json`; None where nothing of the kind was noted."""
        try:
            return cls(str(data["sound"]), str(data["settings"]), str(data["rig"]), float(data["first_frame"]))
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class LineStatus:
    """state, and what it means in words. edited: the artist has changed keys. shift: frames that a line has moved."""

    state: LineState
    description: str
    edited: bool = False
    shift: int = 0


def blocked(reason: str) -> LineStatus:
    """A line that cannot be made as it stands."""
    return LineStatus("blocked", reason)


def compare(made: Made | None, now: Made, edited: bool) -> LineStatus:
    """The state of a line whose keys were ``made`` (None: there are none) and would be made from ``now``.

    A line that has moved by a part of a frame is made again, because keys lie on whole frames.
    """
    if made is None:
        return LineStatus("new", "Not generated yet.")
    if made.sound != now.sound:
        return LineStatus("sound", "The sound has changed since; it will be generated again.", edited)
    if made.settings != now.settings:
        return LineStatus("settings", "Settings, style or engine have changed since.", edited)
    if made.rig != now.rig:
        return LineStatus("rig", "The character's mesh, keys or bones have changed since.", edited)
    shift = now.first_frame - made.first_frame
    if abs(shift) > _WHOLE_FRAME:
        whole = round(shift)
        if abs(shift - whole) > _WHOLE_FRAME:
            return LineStatus("sound", f"Moved by {shift:g} frames, which is no whole number.", edited)
        return LineStatus("moved", f"Moved by {whole:+d} frames; its keys will follow.", edited, whole)
    if edited:
        return LineStatus("edited", "Up to date, with keys edited by hand.", edited)
    return LineStatus("done", "Up to date.")


def sheet_to_json(lines: Iterable[SheetLine]) -> str:
    """The sheet as text."""
    return json.dumps({"format": FORMAT, "lines": [line.to_json() for line in lines]}, indent=1, ensure_ascii=False)


def sheet_from_json(text: str) -> tuple[SheetLine, ...]:
    """Inverse of :func:`sheet_to_json`. Raises :class:`SettingsError` with one sentence."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"The sheet is no JSON ({error}).", "Check it with a JSON editor.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("lines"), list):
        raise SettingsError("This is no Mimesh dialogue sheet.", f"Its format must be {FORMAT}, with a list of lines.")
    lines = tuple(map(SheetLine.from_json, data["lines"]))
    seen: set[tuple[str, str, str]] = set()
    for line in lines:
        key = (line.kind, line.source, line.character)
        if key in seen and line.kind != "file":
            raise SettingsError(f'The sheet has "{line.source}" for "{line.character}" twice.', "Remove one of them.")
        seen.add(key)
    return lines


def read_sheet(path: Path) -> tuple[SheetLine, ...]:
    """The sheet in a file; paths of sounds are relative to it. Raises :class:`SettingsError`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The sheet {path} cannot be read ({error}).", "Choose another file.") from error
    return tuple(_absolute(line, path.absolute().parent) for line in sheet_from_json(text))


def write_sheet(path: Path, lines: Iterable[SheetLine]) -> None:
    """Write the sheet whole or not at all. Raises :class:`SettingsError`."""
    try:
        with whole_file(path) as partial:
            partial.write_text(sheet_to_json(lines), "utf-8")
    except OSError as error:
        raise SettingsError(
            f"The sheet {path} cannot be written ({error.strerror or error}).", "Choose another place."
        ) from error


def _absolute(line: SheetLine, folder: Path) -> SheetLine:
    if line.kind != "file" or line.source.startswith("//"):
        return line
    return dataclasses.replace(line, source=str(folder / line.source))
