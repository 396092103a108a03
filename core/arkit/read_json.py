# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of recorded shapes: a list of frames as MediaPipe's and ARKit's apps write it, or Audio2Face's weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from ..face.rotations import rotvec_from_matrix
from .even import clock_seconds
from .live_link import head_of_turns
from .names import BY_SPELLING, SHAPES, plain
from .table import RecordedTable, matrix_rotations

_FRAMES = ("frames", "data", "results", "samples", "recording")
_SHAPES = ("blendshapes", "faceblendshapes", "shapes", "weights", "scores", "categories", "values")
_TIMES = ("timecode", "timestampms", "timestamp", "timems", "time", "seconds", "t")
_MATRICES = ("facialtransformationmatrix", "facialtransformationmatrixes", "transform", "matrix", "headmatrix")
_TURNS = ("headYaw", "headPitch", "headRoll")


def read_json_table(name: str, text: str) -> RecordedTable:
    """Raises :class:`MediaError` for JSON that is no recording."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise MediaError(f"The recording {name} is no JSON ({error}).", "Choose a CSV or JSON file.") from error
    outer = {plain(str(key)): value for key, value in data.items()} if isinstance(data, dict) else {}
    if "weightmat" in outer and "facsnames" in outer:
        return _weight_matrix(name, outer)
    frames = next((outer[key] for key in _FRAMES if isinstance(outer.get(key), list)), data)
    if not isinstance(frames, list) or not frames or not all(isinstance(frame, dict) for frame in frames):
        raise MediaError(
            f"The recording {name} is no list of frames.",
            'It must be [{"timestamp_ms": …, "blendshapes": {"jawOpen": …}, "matrix": […]}, …].',
        )
    fps = _rate(name, next((outer[key] for key in ("fps", "framerate", "exportfps") if key in outer), None))
    return _of_frames(name, [{plain(str(key)): value for key, value in frame.items()} for frame in frames], fps)


def _of_frames(name: str, frames: Sequence[Mapping[str, Any]], fps: float | None) -> RecordedTable:
    found = [_shapes_of(name, number, frame) for number, frame in enumerate(frames, start=1)]
    names = tuple(shape for shape in SHAPES if any(shape in one for one in found))
    values = np.array([[one.get(shape, np.nan) for shape in names] for one in found])
    # a shape that a frame leaves out while it has others is at 0
    values[np.isnan(values) & np.isfinite(values).any(axis=1, keepdims=True)] = 0.0
    clock = next((key for key in _TIMES if all(key in frame for frame in frames)), None)
    timecodes, seconds = None, None
    if clock is not None:
        times = [frame[clock] for frame in frames]
        if all(isinstance(time, str) and ":" in time for time in times):
            timecodes = tuple(times)
        else:
            seconds = clock_seconds(clock, np.array([_number(name, k, clock, t) for k, t in enumerate(times, 1)]))
    return RecordedTable(
        names=names, values=values, timecodes=timecodes, seconds=seconds, fps=fps, head=_head(name, frames)
    )


def _shapes_of(name: str, number: int, frame: Mapping[str, Any]) -> dict[str, float]:
    """Of one frame: named values, or a list of categories with scores, of the first face."""
    held: Any = next((frame[key] for key in _SHAPES if key in frame), frame)
    if isinstance(held, list) and held and isinstance(held[0], list):
        held = held[0]
    if isinstance(held, dict) and isinstance(held.get("categories"), list):
        held = held["categories"]
    if isinstance(held, list) and held and isinstance(held[0], dict) and isinstance(held[0].get("categories"), list):
        held = held[0]["categories"]
    pairs: list[tuple[str, Any]] = []
    if isinstance(held, dict):
        pairs = [(str(key), value) for key, value in held.items()]
    elif isinstance(held, list):
        for one in filter(lambda one: isinstance(one, dict), held):
            spelt = {plain(str(key)): value for key, value in one.items()}
            label = next((spelt[key] for key in ("categoryname", "displayname", "name") if spelt.get(key)), "")
            pairs.append(
                (str(label), next((spelt[key] for key in ("score", "value", "weight") if key in spelt), None))
            )
    known = [(BY_SPELLING[plain(key)], value) for key, value in pairs if plain(key) in BY_SPELLING]
    return {shape: _number(name, number, shape, value) for shape, value in known if shape in SHAPES}


def _head(name: str, frames: Sequence[Mapping[str, Any]]) -> NDArray[np.float64] | None:
    key = next((key for key in _MATRICES if any(frame.get(key) for frame in frames)), None)
    if key is not None:
        rows = [_flat(name, number, frame.get(key)) for number, frame in enumerate(frames, start=1)]
        length = max(map(len, rows))
        cells = np.array([row if len(row) == length else [np.nan] * length for row in rows])
        return np.asarray(rotvec_from_matrix(matrix_rotations(name, cells)), np.float64)
    spelt = [plain(turn) for turn in _TURNS]
    inner = [next((frame[key] for key in _SHAPES if isinstance(frame.get(key), dict)), frame) for frame in frames]
    plainly = [{plain(str(key)): value for key, value in one.items()} for one in inner]
    if not any(turn in one for one in plainly for turn in spelt):
        return None
    turns = np.array(
        [[_number(name, k, turn, one.get(turn, 0.0)) for turn in spelt] for k, one in enumerate(plainly, 1)]
    )
    return head_of_turns(turns)


def _flat(name: str, number: int, value: Any) -> list[float]:
    """A matrix' numbers: nested, flat, in an object with ``data``, or the first of several."""
    if isinstance(value, dict):
        value = value.get("data", [])
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _flat(name, number, value[0])
    flat: list[float] = []
    for one in value or []:
        flat += _flat(name, number, one) if isinstance(one, list) else [_number(name, number, "matrix", one)]
    # of several faces the first
    return flat[:16] if len(flat) % 16 == 0 else flat


def _weight_matrix(name: str, outer: Mapping[str, Any]) -> RecordedTable:
    """NVIDIA Audio2Face's export: names, and a row of weights a frame."""
    shapes, rows = outer["facsnames"], outer["weightmat"]
    if (
        not isinstance(shapes, list)
        or not isinstance(rows, list)
        or any(not isinstance(row, list) or len(row) != len(shapes) for row in rows)
    ):
        raise MediaError(f"The weights of {name} do not go with its names.", "Export it again.")
    known = [
        (place, BY_SPELLING[plain(str(shape))])
        for place, shape in enumerate(shapes)
        if plain(str(shape)) in BY_SPELLING
    ]
    names = tuple(shape for _, shape in known if shape in SHAPES)
    places = [place for place, shape in known if shape in SHAPES]
    values = np.array([[_number(name, k, "weight", row[place]) for place in places] for k, row in enumerate(rows, 1)])
    return RecordedTable(
        names=names, values=values.reshape(len(rows), len(names)), fps=_rate(name, outer.get("exportfps"))
    )


def _rate(name: str, value: Any) -> float | None:
    if value is None:
        return None
    rate = _number(name, 0, "fps", value)
    if not rate > 0:
        raise MediaError(f"The recording {name} has {value!r:.20} frames a second.", "Give its rate with --fps.")
    return rate


def _number(name: str, number: int, what: str, value: Any) -> float:
    try:
        return np.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise MediaError(f"Frame {number} of {name} has {value!r:.40} as {what}, which is no number.") from error
