# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the list of what to make: CSV, JSON or YAML, or a folder whose files' names say what they are."""

from __future__ import annotations

import csv
import io
import json
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .row import COLUMNS, Row, StyleFinder, read_row, setting_columns

DEFAULT_PATTERN = "{name}.wav"
_FIELD = re.compile(r"\{(\w+)\}")


def read_manifest(
    source: Path, out: Path, defaults: Mapping[str, str], pattern: str | None = None, library: Any = None
) -> tuple[Row, ...]:
    """Every row, checked before any is made. Raises :class:`SettingsError` naming the row.

    source: a manifest, or a folder of which ``pattern`` (``{language}/{style}_{name}.wav``) tells what to take.
    defaults: columns of rows that lack them; ``{column}`` in a value is replaced by the row's own.
    """
    base = source if source.is_dir() else source.parent
    given = list(_found_files(source, pattern or DEFAULT_PATTERN) if source.is_dir() else _written_rows(source))
    if not given:
        raise SettingsError(f"There is nothing to make in {source}.", "Check the manifest or the pattern.")
    _require_known(given, defaults)
    styles = StyleFinder(base.absolute(), library)
    rows = tuple(
        read_row(number, _completed(number, fields, defaults), base.absolute(), out.absolute(), styles)
        for number, fields in enumerate(given, start=1)
    )
    _require_own_outputs(rows)
    return rows


def _written_rows(source: Path) -> list[dict[str, Any]]:
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The manifest {source} cannot be read ({error}).", "Choose a CSV, JSON or YAML file."
        ) from (error)
    suffix = source.suffix.lower()
    if suffix == ".csv":
        return _csv_rows(source, text)
    if suffix == ".json":
        try:
            return _listed(source, json.loads(text))
        except ValueError as error:
            raise SettingsError(f"The manifest {source} is no JSON ({error}).") from error
    if suffix in (".yaml", ".yml"):
        return _listed(source, _yaml(source, text))
    raise SettingsError(f"The manifest {source} ends in {suffix or 'nothing'}.", "It must be .csv, .json or .yaml.")


def _csv_rows(source: Path, text: str) -> list[dict[str, Any]]:
    first_line = text.partition("\n")[0]
    # spreadsheets of half of Europe write semicolons
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    rows = []
    for row in reader:
        if None in row:
            raise SettingsError(
                f"Line {reader.line_num} of {source.name} has more values than the header has columns.",
                "Put quotes around values that hold a comma.",
            )
        if any(value for value in row.values()):
            rows.append(dict(row))
    return rows


def _yaml(source: Path, text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise SettingsError(
            f"The manifest {source.name} is YAML, and this Python has no PyYAML.",
            "Install the package PyYAML in it, or write the manifest as CSV or JSON.",
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise SettingsError(f"The manifest {source.name} is no YAML ({told:.120}).") from error


def _listed(source: Path, data: Any) -> list[dict[str, Any]]:
    """A list of objects, or an object with ``rows`` and ``defaults``."""
    shared: Mapping[str, Any] = {}
    if isinstance(data, dict):
        shared, data = data.get("defaults", {}), data.get("rows")
    if not isinstance(data, list) or not isinstance(shared, dict) or not all(isinstance(row, dict) for row in data):
        raise SettingsError(
            f"The manifest {source.name} is no list of rows.", 'It must be [{…}, …] or {"defaults": {…}, "rows": […]}.'
        )
    return [{**shared, **row} for row in data]


def _found_files(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    """The pattern's fields of every file below the folder that has it, in the order of their paths."""
    parts = _FIELD.split(pattern)
    expression = re.compile(
        "".join(f"(?P<{part}>[^/]+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts)), re.IGNORECASE
    )
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).as_posix()
        if path.is_file() and (match := expression.fullmatch(inside)):
            yield {**match.groupdict(), "audio": inside}


def _require_known(rows: Sequence[Mapping[str, Any]], defaults: Mapping[str, str]) -> None:
    """A misspelt setting must not be ignored; a column of the user's own is told by its leading capital or x-."""
    known = {*COLUMNS, *setting_columns()}
    named = {str(name).strip().replace("_", "-") for row in rows for name in row} | set(defaults)
    used = {name for value in defaults.values() for name in _FIELD.findall(value)}
    strange = sorted(name for name in named if name.lower() not in known | used and not _is_own(name))
    if strange:
        raise SettingsError(
            f"There is no column {', '.join(strange)}; there are: {', '.join(sorted(known))}.",
            "Begin the names of your own columns with x-.",
        )


def _is_own(name: str) -> bool:
    return name.lower().startswith("x-") or name in ("language", "character", "line", "shot", "scene-number", "note")


def _completed(number: int, fields: Mapping[str, Any], defaults: Mapping[str, str]) -> dict[str, Any]:
    """The row with the defaults, their ``{column}`` filled in, and with an output."""
    own = {str(name).replace("-", "_"): value for name, value in fields.items() if value not in (None, "")}
    audio = str(own.get("audio", ""))
    labels = {"number": f"{number:04d}", "audio_name": Path(audio).stem, **own}
    given = dict(fields)
    for column, value in defaults.items():
        if column not in {name.replace("_", "-") for name in own}:
            given[column] = _filled(number, value, labels)
    if not str(given.get("out") or "").strip():
        # beside each other as the sounds are; several strips of one file by number
        inside = Path(audio).with_suffix("") if audio and not Path(audio).is_absolute() else Path(Path(audio).stem)
        stem = inside if audio else Path(f"{Path(str(own.get('blend', 'row'))).stem}_{number:04d}")
        given["out"] = f"{stem.as_posix()}{'.blend' if own.get('blend') or given.get('blend') else '.npz'}"
    return given


def _filled(number: int, text: str, labels: Mapping[str, Any]) -> str:
    try:
        return string.Formatter().vformat(text, (), labels)
    except (KeyError, IndexError, ValueError) as error:
        raise SettingsError(f"Row {number}: {text} asks for {error}, which the row does not have.") from error


def _require_own_outputs(rows: Sequence[Row]) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        # file systems of Windows and macOS do not tell capitals
        key = str(row.out).lower()
        if key in seen:
            raise SettingsError(
                f"Rows {seen[key]} and {row.number} both write {row.out}.", "Give each its own output."
            )
        seen[key] = row.number
        if row.out in row.inputs():
            raise SettingsError(f"Row {row.number} would overwrite its own input {row.out}.", "Name another output.")
