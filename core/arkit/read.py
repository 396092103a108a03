# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a recording: Live Link Face's CSV, tables of MediaPipe and ARKit apps, and their JSON.

Known by their columns' names, however spelled. Shapes that a file lacks are 0 and told; a file without any shape of
the mouth is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from ..face.rotations import FloatArray, rotvec_from_matrix
from .even import Even, clock_seconds, evenly, timecode_seconds
from .live_link import eyes_of_turns, head_of_turns
from .names import BY_SPELLING, SHAPES, TURNS, plain
from .read_json import read_json_table
from .recording import FaceRecording
from .table import RecordedTable, matrix_rotations

SUFFIXES = (".csv", ".json")
LARGEST_BYTES = 1 << 30
# values beyond are an artist's overshoot at best; a calibrated file goes a little under 0 and over 1
_HIGHEST = 1.5
_TIMES = ("timestamp", "timestampms", "time", "times", "timems", "seconds", "timeseconds", "sec", "t")
_COUNTS = ("frame", "framenumber", "frameindex", "index")
_MATRIX = re.compile(r"(?:m|matrix|transform|headmatrix|facematrix|facialtransformationmatrix)(\d\d?)")
_MOUTH = tuple(name for name in SHAPES if name.startswith(("mouth", "jawOpen")))
_NAMED = 6


def is_recording(path: Path) -> bool:
    """By the file's ending."""
    return path.suffix.lower() in SUFFIXES


def read_recording(path: Path, fps: float | None = None) -> FaceRecording:
    """The recording in ``path``; ``fps`` overrules what its times say. Raises :class:`MediaError`."""
    table = _read_table(path)
    lost = np.flatnonzero(~np.isfinite(table.values).any(axis=1))
    notes = list(table.notes)
    if len(lost) == len(table.values):
        raise MediaError(f"No frame of {path.name} shows a face.", "Record again.")
    if len(lost):
        notes.append(f"The face was lost on {len(lost)} of {len(table.values)} frames, which were filled in.")
    even = _even(path, table, fps)
    values = np.clip(even.of(_filled(table.values)), 0.0, _HIGHEST)
    head = even.of(_filled(table.head)) if table.head is not None else None
    eyes = even.of(_filled(table.eyes)) if table.eyes is not None else None
    missing = [name for name in SHAPES if name not in table.names]
    notes += [*even.notes, *_told(missing), *_better(path)]
    shapes = np.zeros((len(values), len(SHAPES)))
    for column, name in enumerate(table.names):
        shapes[:, SHAPES.index(name)] = values[:, column]
    return FaceRecording(even.fps, shapes, head, eyes, even.start_seconds, tuple(notes))


def _read_table(path: Path) -> RecordedTable:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise MediaError(f"The recording {path.name} has {path.stat().st_size >> 20} MB.", "Cut it into takes.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"The recording {path} cannot be read ({error}).", "Choose a CSV or JSON file.") from error
    if path.suffix.lower() == ".json":
        table = read_json_table(path.name, text)
    elif path.suffix.lower() == ".csv":
        table = _csv_table(path.name, text)
    else:
        raise MediaError(f"The recording {path.name} ends in {path.suffix or 'nothing'}.", "It must be .csv or .json.")
    if not set(table.names) & set(_MOUTH):
        raise MediaError(
            f"The recording {path.name} has none of Apple's shapes of the mouth (jawOpen, mouthFunnel …).",
            "Choose the CSV that Live Link Face writes, or a table or JSON of the 52 blendshapes.",
        )
    if not len(table.values):
        raise MediaError(f"The recording {path.name} has no frames.", "Record again.")
    return table


def _csv_table(name: str, text: str) -> RecordedTable:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise MediaError(f"The recording {name} has no frames.", "Record again.")
    header = [plain(cell) for cell in rows[0]]
    known = {BY_SPELLING[spelt]: place for place, spelt in enumerate(header) if spelt in BY_SPELLING}
    shapes = tuple(shape for shape in SHAPES if shape in known)
    body = rows[1:]
    for line, row in enumerate(body, start=2):
        if len(row) > len(header):
            raise MediaError(f"Line {line} of {name} has {len(row)} values for {len(header)} columns.")
    decimal = delimiter == ";"

    def column(place: int) -> NDArray[np.float64]:
        return np.array([_number(name, line, rows[0][place], row, place, decimal) for line, row in enumerate(body, 2)])

    values = np.stack([column(known[shape]) for shape in shapes], axis=1) if shapes else np.zeros((len(body), 0))
    count = header.index("blendshapecount") if "blendshapecount" in header else None
    if count is not None:
        # the app counts no shapes on frames without a face
        values[column(count) == 0] = np.nan
    timecodes = [row[header.index("timecode")] for row in body] if "timecode" in header else None
    if timecodes is not None and all(code.strip().isdecimal() for code in timecodes):
        timecodes, header[header.index("timecode")] = None, "frame"
    clock = next((place for place, spelt in enumerate(header) if spelt in _TIMES), None)
    counts = next((place for place, spelt in enumerate(header) if spelt in _COUNTS), None)
    head, eyes = _turns({turn: column(known[turn]) for turn in TURNS if turn in known})
    matrices = {int(found[1]): place for place, spelt in enumerate(header) if (found := _MATRIX.fullmatch(spelt))}
    if head is None and len(matrices) >= 9:
        cells = np.stack([column(matrices[number]) for number in sorted(matrices)], axis=1)
        head = rotvec_from_matrix(matrix_rotations(name, cells))
    return RecordedTable(
        names=shapes,
        values=values,
        timecodes=tuple(timecodes) if timecodes is not None else None,
        seconds=clock_seconds(header[clock], column(clock)) if clock is not None and timecodes is None else None,
        frames=column(counts) if counts is not None else None,
        head=head,
        eyes=eyes,
    )


def _turns(turns: Mapping[str, FloatArray]) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Head and eyes, each where it is there and ever moves: apps write zeros for what they do not track."""
    if not turns:
        return None, None
    count = len(next(iter(turns.values())))
    whole = np.stack([turns.get(name, np.zeros(count)) for name in TURNS], axis=1)
    head = head_of_turns(whole) if np.nan_to_num(whole[:, :3]).any() else None
    eyes = eyes_of_turns(whole) if np.nan_to_num(whole[:, 3:]).any() else None
    return head, eyes


def _number(name: str, line: int, column: str, row: Sequence[str], place: int, decimal: bool) -> float:
    text = row[place].strip() if place < len(row) else ""
    if not text:
        return np.nan
    try:
        return float(text.replace(",", ".") if decimal else text)
    except ValueError as error:
        raise MediaError(f"Line {line} of {name} has {text!r:.40} as {column}, which is no number.") from error


def _even(path: Path, table: RecordedTable, fps: float | None) -> Even:
    if fps is None:
        fps = table.fps
    if table.timecodes is not None:
        return evenly(timecode_seconds(table.timecodes, fps), fps)
    if table.seconds is not None:
        return evenly(table.seconds, fps)
    if fps is None:
        raise MediaError(f"The recording {path.name} does not tell its rate.", "Give it with --fps.")
    frames = table.frames if table.frames is not None else np.arange(len(table.values), dtype=np.float64)
    return evenly(frames / fps, fps)


def _filled(values: FloatArray) -> NDArray[np.float64]:
    """(N, ...) with what is no number taken from the frames before and after; 0 where there is nothing at all."""
    flat = np.array(values, np.float64).reshape(len(values), -1)
    for column in range(flat.shape[1]):
        good = np.isfinite(flat[:, column])
        if not good.all():
            places = np.flatnonzero(good)
            flat[:, column] = np.interp(np.arange(len(flat)), places, flat[places, column]) if len(places) else 0.0
    return flat.reshape(np.shape(values))


def _told(missing: Sequence[str]) -> tuple[str, ...]:
    lacking = [name for name in missing if name != "tongueOut"]
    if not lacking:
        return ()
    named = ", ".join(lacking[:_NAMED]) + (" …" if len(lacking) > _NAMED else "")
    return (f"{len(lacking)} of Apple's shapes are not in the file and stay at 0: {named}.",)


def _better(path: Path) -> tuple[str, ...]:
    calibrated = path.with_name(f"{path.stem}_cal{path.suffix}")
    if path.suffix.lower() == ".csv" and calibrated.is_file():
        return (f"There is a calibrated file of this take as well: {calibrated.name}.",)
    return ()
