# SPDX-License-Identifier: GPL-3.0-or-later
"""``Row``: one result that a batch is asked for, with its settings read and checked."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..exchange.media_range import MediaRange
from ..exchange.request import MotionRequest
from ..settings import MOTION_GROUPS, BakeSettings
from ..settings_schema import SettingField, SettingsGroup, setting_fields

# columns beside the settings; each is a text in a manifest
PATHS = ("audio", "blend", "reference", "out")
WORDS = ("name", "object", "scene", "strip", "reference-strip", "style", "second-style")
NUMBERS = ("start", "end", "reference-start", "reference-end", "first-frame")
WHOLE = ("channel", "audio-track", "reference-track", "reference-person")
COLUMNS = (*PATHS, *WORDS, *NUMBERS, *WHOLE)
_YES, _NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off", "")


@dataclass(frozen=True, slots=True)
class Row:
    """number: counted from 1. audio: None where the speech is strips or a channel of the blend.

    groups: the settings of the motion; bake: how keys are written. first_frame: where the sound begins in the blend,
    None at the scene's first. fields: the row as it was written.
    """

    number: int
    name: str
    out: Path
    audio: MediaRange | None
    reference: MediaRange | None
    groups: Mapping[str, Any]
    bake: BakeSettings
    blend: Path | None = None
    object_name: str | None = None
    scene: str | None = None
    strips: tuple[str, ...] = ()
    channel: int | None = None
    reference_strip: str | None = None
    first_frame: float | None = None
    style: Path | None = None
    second_style: Path | None = None
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What is written, by the output's ending: ``.npz``, ``.blend`` and so on."""
        return self.out.suffix.lower()

    def request(self, audio: MediaRange, reference: MediaRange | None = None) -> MotionRequest:
        """What the engine is asked for this sound. reference: of a strip, else the row's own."""
        return MotionRequest(
            audio=audio,
            reference=reference or self.reference,
            style=self.style,
            second_style=self.second_style,
            **self.groups,
        )

    def inputs(self) -> tuple[Path, ...]:
        """Files that the result depends on."""
        audio = self.audio.path if self.audio else None
        reference = self.reference.path if self.reference else None
        return tuple(p for p in (audio, reference, self.blend, self.style, self.second_style) if p is not None)

    def fingerprint(self) -> str:
        """Of the row and the state of its input files: another one, and the row is made again."""
        state = [(str(path), *_stamp(path)) for path in self.inputs()]
        return hashlib.sha256(json.dumps([dict(self.fields), str(self.out), state]).encode()).hexdigest()


def read_row(number: int, given: Mapping[str, Any], base: Path, out: Path, styles: StyleFinder) -> Row:
    """A row of a manifest. base: what its paths are relative to; out: what its output is relative to.

    Raises :class:`SettingsError` that begins with the row's number.
    """
    try:
        return _read(number, _texts(given), base, out, styles)
    except SettingsError as error:
        raise SettingsError(f"Row {number}: {error.message}", error.hint) from error


class StyleFinder:
    """Finds a style's file by name or path, relative to ``base``."""

    def __init__(self, base: Path, library: Any = None) -> None:
        self._base, self._library = base, library

    def find(self, text: str) -> Path:
        """Raises :class:`SettingsError` where there is none."""
        beside = self._base / text
        if beside.is_file():
            return beside
        if self._library is not None:
            found: Path = self._library.resolve(text)
            return found
        raise SettingsError(f"The style {text} is no file.", "Name its file, or its library with --library.")


@functools.lru_cache(maxsize=1)
def setting_columns() -> dict[str, tuple[str, SettingField, bool]]:
    """Group and field of every column that is a setting; whether it says the opposite (``no-blinks``)."""
    found: dict[str, tuple[str, SettingField, bool]] = {}
    groups: dict[str, type[SettingsGroup]] = {**MOTION_GROUPS, "bake": BakeSettings}
    for name, group in groups.items():
        for item in setting_fields(group):
            column = item.cli.removeprefix("--")
            found[column] = (name, item, column.startswith("no-"))
            found.setdefault(column.removeprefix("no-"), (name, item, False))
    return found


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    texts = {}
    for name, value in given.items():
        key = str(name).strip().replace("_", "-").lower()
        joined = "\n".join(map(str, value)) if isinstance(value, list) else value
        if joined is not None and str(joined).strip():
            texts[key] = str(joined).strip()
    return texts


def _read(number: int, given: dict[str, str], base: Path, out: Path, styles: StyleFinder) -> Row:
    known = setting_columns()
    groups: dict[str, dict[str, Any]] = {name: {} for name in (*MOTION_GROUPS, "bake")}
    for column, text in given.items():
        if column in known:
            group, item, opposite = known[column]
            groups[group][item.name] = _value(item, text, opposite)
    motion = {name: MOTION_GROUPS[name](**groups[name]) for name in MOTION_GROUPS}  # type: ignore[call-arg]
    sources = [column for column in ("audio", "strip", "channel") if column in given]
    if len(sources) != 1:
        told = " and ".join(sources) or "nothing"
        raise SettingsError(f"Its speech is {told}.", "Give one of audio, strip and channel.")
    blend = _path(given, "blend", base)
    if blend is None and sources[0] != "audio":
        raise SettingsError(f"Its {sources[0]} lies in no blend.", "Name the .blend in the column blend.")
    style = styles.find(given["style"]) if "style" in given else None
    second = styles.find(given["second-style"]) if "second-style" in given else None
    audio = _media(given, base, "audio", "start", "end", _whole(given, "audio-track"))
    chosen = (_whole(given, "reference-track"), _whole(given, "reference-person"))
    reference = _media(given, base, "reference", "reference-start", "reference-end", *chosen)
    row = Row(
        number=number,
        name=given.get("name") or Path(given["out"]).stem,
        out=_whole_path(out, given["out"]),
        audio=audio,
        reference=reference,
        groups=motion,
        bake=BakeSettings(**groups["bake"]),
        blend=blend,
        object_name=given.get("object"),
        scene=given.get("scene"),
        strips=tuple(filter(None, given.get("strip", "").splitlines())),
        channel=_whole(given, "channel"),
        reference_strip=given.get("reference-strip"),
        first_frame=_number(given, "first-frame"),
        style=style,
        second_style=second,
        fields=given,
    )
    # the request refuses what does not go together
    row.request(audio or MediaRange(Path("strip")))
    return row


def _value(item: SettingField, text: str, opposite: bool) -> Any:
    """A setting's value as it is typed: degrees, yes and no, a flag's own word."""
    if item.kind is bool or (item.setting.flag and text.lower() in (*_YES, *_NO)):
        if text.lower() not in (*_YES, *_NO):
            raise SettingsError(f"{item.setting.label} is {text!r:.40}; it must be yes or no.")
        yes = (text.lower() in _YES) is not opposite
        return yes if item.kind is bool else (item.setting.flag if yes else item.default)
    if item.kind in (int, float):
        try:
            number = item.kind(text)
        except ValueError as error:
            raise SettingsError(f"{item.setting.label} is {text!r:.40}, which is no number.") from error
        return math.radians(number) if item.setting.unit == "radians" else number
    return Path(text) if item.kind is Path else text


def _path(given: dict[str, str], column: str, base: Path) -> Path | None:
    return _whole_path(base, given[column]) if column in given else None


def _whole_path(base: Path, text: str) -> Path:
    return (base / Path(text).expanduser()).absolute()


def _media(
    given: dict[str, str],
    base: Path,
    column: str,
    start: str,
    end: str,
    track: int | None = None,
    person: int | None = None,
) -> MediaRange | None:
    path = _path(given, column, base)
    if path is None:
        return None
    return MediaRange(path, _number(given, start) or 0.0, _number(given, end), track, person)


def _number(given: dict[str, str], column: str) -> float | None:
    try:
        return float(given[column]) if column in given else None
    except ValueError as error:
        unit = "frame" if column == "first-frame" else "number of seconds"
        raise SettingsError(f"Its {column} is {given[column]!r:.40}, which is no {unit}.") from error


def _whole(given: dict[str, str], column: str) -> int | None:
    try:
        number = int(given[column]) if column in given else None
    except ValueError as error:
        raise SettingsError(f"Its {column} is {given[column]!r:.40}, which is no whole number.") from error
    if number is not None and number < 1:
        raise SettingsError(f"Its {column} is {number}; they are counted from 1.")
    return number


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (-1, -1)
    return (found.st_size, found.st_mtime_ns)
