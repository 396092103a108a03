# SPDX-License-Identifier: GPL-3.0-or-later
"""What was written last to each curve of a line, kept with the action: what differs from it is the artist's."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .packing import pack_array, unpack_array

_MAGIC = b"mimesh-written-1\n"
# of half-precision numbers
_RELATIVE, _ABSOLUTE = 1e-3, 1e-5
SAME_FRAME = 0.01

# datablock (as in core.rig.curves), path, index
CurveName = tuple[str, str, int]


@dataclass(frozen=True, slots=True, eq=False)
class WrittenCurve:
    """frames, values: (n,) of our keys alone, the artist's left out."""

    frames: NDArray[np.float32]
    values: NDArray[np.float32]

    def holds(self, frames: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(m,) which of these keys are as they were written."""
        if not len(self.frames):
            return np.zeros(len(frames), bool)
        nearest = nearest_frames(self.frames, frames)
        known = self.values[nearest]
        same_time = np.abs(self.frames[nearest] - frames) < SAME_FRAME
        found: NDArray[np.bool_] = same_time & (np.abs(values - known) <= _RELATIVE * np.abs(known) + _ABSOLUTE)
        return found


def nearest_frames(sorted_frames: NDArray[np.float32], frames: NDArray[np.float32]) -> NDArray[np.int64]:
    """(m,) the places of the nearest of ``sorted_frames`` (at least one)."""
    right = np.clip(np.searchsorted(sorted_frames, frames), 0, len(sorted_frames) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(frames - sorted_frames[left] < sorted_frames[right] - frames, left, right)


def pack_written(curves: Mapping[CurveName, WrittenCurve], effort: int = 1) -> bytes:
    """As bytes; curves with the same frames share them. effort: 0 to 9, of zlib: with 0 it is quick and long."""
    groups: dict[bytes, list[CurveName]] = {}
    for name, curve in curves.items():
        groups.setdefault(curve.frames.tobytes(), []).append(name)
    header, body = [], b""
    for frames, names in groups.items():
        times = zlib.compress(np.diff(np.frombuffer(frames, "<f4"), prepend=np.float32(0)).tobytes(), effort)
        count = len(frames) // 4
        values = pack_array(np.stack([curves[name].values for name in names], axis=1), effort) if count else b""
        header.append([count, len(times), len(values), names])
        body += times + values
    text = json.dumps(header).encode()
    return _MAGIC + len(text).to_bytes(4, "little") + text + body


def unpack_written(data: bytes) -> dict[CurveName, WrittenCurve]:
    """Inverse of :func:`pack_written`, values in half precision; nothing of what is damaged or of another version."""
    try:
        return _unpack(data)
    except (ValueError, KeyError, TypeError, IndexError, zlib.error):
        return {}


def _unpack(data: bytes) -> dict[CurveName, WrittenCurve]:
    if not data.startswith(_MAGIC):
        return {}
    start = len(_MAGIC) + 4
    at = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    found: dict[CurveName, WrittenCurve] = {}
    for count, times, values, names in json.loads(data[start:at]):
        steps = np.frombuffer(zlib.decompress(data[at : at + times]), "<f4")
        frames = np.cumsum(steps, dtype=np.float64).astype(np.float32)
        packed = data[at + times : at + times + values]
        table = unpack_array(packed, (count, len(names))) if count else np.zeros((0, len(names)), np.float32)
        for column, (datablock, path, index) in enumerate(names):
            found[datablock, path, index] = WrittenCurve(frames, np.ascontiguousarray(table[:, column]))
        at += times + values
    return found
