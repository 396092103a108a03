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
from ..exchange.sheet import read_sheet
from .row import COLUMNS, Row, StyleFinder, read_row, setting_columns

DEFAULT_PATTERN = "{name}.wav"
# columns that many lists have, and that serve in {…}
_OWN = ("language", "character", "line", "shot", "scene-number", "note")
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
        data = source.read_bytes()
        # spreadsheets write UTF-8 with a mark, and "Unicode text" as UTF-16 with one
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The manifest {source} cannot be read ({error}).", "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
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
    first_line, _, rest = text.lstrip().partition("\n")
    # spreadsheets of half of Europe write semicolons, and some say so in a first line
    delimiter = max(",;\t", key=first_line.count)
    if first_line.strip().lower().startswith("sep="):
        delimiter, text = first_line.strip()[4:5] or ",", rest
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [str(name).strip() for name in reader.fieldnames or ()]
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"The column {twice} comes twice in {source.name}.", "Remove one of them.")
    rows = []
    for row in reader:
        # a spreadsheet writes empty columns that were once in use
        if any(str(value).strip() for value in row.get(None) or ()) or (row.get("") or "").strip():  # type: ignore[call-overload]
            raise SettingsError(
                f"Line {reader.line_num} of {source.name} has more values than the header has columns.",
                "Put quotes around values that hold a comma.",
            )
        named = {name: value for name, value in row.items() if name}
        if any(str(value or "").strip() for value in named.values()):
            rows.append(named)
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
    if isinstance(data, dict) and str(data.get("format", "")).startswith("mimesh-sheet"):
        return _sheet_rows(source)
    if isinstance(data, dict):
        shared, data = data.get("defaults", {}), data.get("rows")
    if not isinstance(data, list) or not isinstance(shared, dict) or not all(isinstance(row, dict) for row in data):
        raise SettingsError(
            f"The manifest {source.name} is no list of rows.", 'It must be [{…}, …] or {"defaults": {…}, "rows": […]}.'
        )
    return [{**shared, **row} for row in data]


def _sheet_rows(source: Path) -> list[dict[str, Any]]:
    """The lines of a dialogue sheet that are not locked, each a row; the blend is a default of the batch."""
    rows = []
    for line in read_sheet(source):
        if line.locked:
            continue
        row: dict[str, Any] = {
            "audio" if line.kind == "file" else line.kind: line.source,
            "name": Path(line.source).name,
        }
        known = {"object": line.character, "engine": line.engine, "style": line.style, "note": line.note}
        row |= {column: value for column, value in known.items() if value}
        if line.first_frame is not None:
            row["first-frame"] = line.first_frame
        rows.append(row)
    return rows


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
    used = {name.lower() for value in defaults.values() for name in _FIELD.findall(value)}
    strange = sorted(name for name in named if name.lower() not in known | used and not _is_own(name))
    if strange:
        raise SettingsError(
            f"There is no column {', '.join(strange)}; there are: {', '.join(sorted(known))}.",
            "Begin the names of your own columns with x-.",
        )


def _is_own(name: str) -> bool:
    return name.lower().startswith("x-") or name.lower() in _OWN


def _completed(number: int, fields: Mapping[str, Any], defaults: Mapping[str, str]) -> dict[str, Any]:
    """The row with the defaults, their ``{column}`` filled in, and with an output."""
    written = {str(name).strip().replace("-", "_"): value for name, value in fields.items() if value not in (None, "")}
    own = {name.lower(): value for name, value in written.items()}
    audio = str(own.get("audio", ""))
    labels = {"number": f"{number:04d}", "audio_name": Path(audio).stem, **written, **own}
    given: dict[str, Any] = {name.replace("_", "-"): value for name, value in own.items()}
    for column, value in defaults.items():
        if column not in given:
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
