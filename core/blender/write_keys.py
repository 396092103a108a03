# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the keys of a curve in bulk, around those that the artist made. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..direct.edits import bent, find_edits
from ..direct.written import WrittenCurve
from ..rig.curves import PlannedCurve
from . import compat
from .key_memory import LeftCurve

_PAIRS = ("co", "handle_left", "handle_right")
_NUMBERS = ("amplitude", "back", "period")
_FLAGS = ("select_control_point", "select_left_handle", "select_right_handle")
_CODES = ("type", "interpolation", "easing", "handle_left_type", "handle_right_type")


@dataclass(frozen=True, slots=True)
class Writing:
    """How keys are written.

    bend_frames: over which new motion meets an artist's key. shift: frames that the line has moved by since, with the
    artist's keys. smoothing: the curves' own, empty to leave it. only: frames outside of which nothing bends.
    """

    interpolation: str
    bend_frames: float
    shift: float = 0.0
    smoothing: str = ""
    only: tuple[float, float] | None = None


def smoothing_of(thinned: bool, before: bool) -> str:
    """What curves are drawn with: thinned keys were chosen for curves without Blender's smoothing of handles.

    before: whether they were thinned until now; then the artist's preference comes back.
    """
    if thinned:
        return "NONE"
    preferences = bpy.context.preferences
    return str(preferences.edit.fcurve_new_auto_smoothing) if before and preferences is not None else ""


def write_new_curve(curve: Any, planned: PlannedCurve, how: Writing) -> WrittenCurve:
    """Keys for a curve without any: hundreds of times faster than keyframe_insert."""
    ours = _planned(planned)
    _fill(curve, ours, how.interpolation)
    _smooth(curve, how)
    # computes the automatic handles, which are at the origin until then
    curve.update()
    return ours


def new_left(planned: PlannedCurve, ours: WrittenCurve) -> LeftCurve:
    """A new curve as it was left."""
    nothing = WrittenCurve(ours.frames[:0], ours.values[:0])
    co = np.stack([ours.frames, ours.values], axis=1, dtype=np.float32)
    return LeftCurve(co, planned.frames, planned.values, nothing, nothing.frames, ours)


def absent_curve(planned: PlannedCurve, ours: WrittenCurve) -> LeftCurve:
    """A curve that the artist has removed: it stays away, and remembered, or it would come back."""
    nothing = WrittenCurve(ours.frames[:0], ours.values[:0])
    return LeftCurve(np.zeros((0, 2), np.float32), planned.frames, planned.values, nothing, nothing.frames, ours)


def recall_curve(curve: Any | None, written: WrittenCurve, interpolation: str) -> LeftCurve:
    """A curve as it is; None for one that the artist has removed. What was planned for it is not known any more."""
    unknown = np.full(len(written.values), np.nan, np.float32)
    nothing = WrittenCurve(written.frames[:0], written.values[:0])
    if curve is None:
        return LeftCurve(np.zeros((0, 2), np.float32), written.frames, unknown, nothing, nothing.frames, written)
    points = curve.keyframe_points
    co = _read(points, "co", len(points))
    edits = find_edits(co[:, 0], co[:, 1], _marked(points, len(points), interpolation), written)
    keys = WrittenCurve(co[edits.theirs, 0], co[edits.theirs, 1])
    return LeftCurve(co, written.frames, unknown, keys, edits.removed, written)


def rewrite_curve(curve: Any, planned: PlannedCurve, written: WrittenCurve | None, how: Writing) -> LeftCurve:
    """New motion on a curve of ours; the artist's keys stay, and it bends through them. Returns what is there now."""
    points = curve.keyframe_points
    count = len(points)
    present = _read(points, "co", count)
    edits = find_edits(present[:, 0], present[:, 1], _marked(points, count, how.interpolation), written)
    keys = WrittenCurve(present[edits.theirs, 0] + np.float32(how.shift), present[edits.theirs, 1])
    removed = edits.removed + np.float32(how.shift)
    new = bent(_planned(planned), keys, removed, how.bend_frames, how.only)
    co = np.stack([new.frames, new.values], axis=1, dtype=np.float32)
    if how.shift == 0 and np.array_equal(new.frames, present[:, 0]):
        points.foreach_set("co", co.ravel())
    else:
        kept = _read_all(points, edits.theirs)
        for name in _PAIRS if kept else ():
            kept[name][:, 0] += np.float32(how.shift)
        points.clear()
        _fill(curve, WrittenCurve(new.frames, new.values), how.interpolation)
        _put(points, kept, np.flatnonzero(new.source >= 0))
    _smooth(curve, how)
    curve.update()
    return LeftCurve(co, planned.frames, planned.values, keys, removed, new.ours)


def renew_curve(curve: Any, planned: PlannedCurve, left: LeftCurve, how: Writing) -> LeftCurve | None:
    """The same for a curve that is as we left it; None where it is not.

    On the same frames only values are written, so that it takes a fifth of the time.
    """
    points = curve.keyframe_points
    count = len(points)
    if count != len(left.co) or not np.array_equal(_read(points, "co", count), left.co):
        return None
    if left.is_ours() and np.array_equal(planned.frames, left.frames):
        return _revalued(curve, planned, left)
    new = bent(_planned(planned), left.keys, left.removed, how.bend_frames, how.only)
    co = np.stack([new.frames, new.values], axis=1, dtype=np.float32)
    if count == len(co) and np.array_equal(new.frames, left.co[:, 0]):
        points.foreach_set("co", co.ravel())
    elif not len(left.keys.frames):
        points.clear()
        _fill(curve, WrittenCurve(new.frames, new.values), how.interpolation)
    else:
        return None
    curve.update()
    return LeftCurve(co, planned.frames, planned.values, left.keys, left.removed, new.ours)


def _revalued(curve: Any, planned: PlannedCurve, left: LeftCurve) -> LeftCurve:
    """New values for a curve whose keys are ours alone and stay at their frames."""
    co = left.co.copy()
    co[:, 1] = planned.values
    curve.keyframe_points.foreach_set("co", co.ravel())
    curve.update()
    return LeftCurve(co, planned.frames, planned.values, left.keys, left.removed, _planned(planned))


def same_keys(curve: Any, other: Any) -> bool:
    """Whether two curves have the same keys, with all that belongs to them."""
    ours, theirs = curve.keyframe_points, other.keyframe_points
    count = len(ours)
    return count == len(theirs) and all(
        np.array_equal(_read(ours, name, count), _read(theirs, name, count)) for name in (*_PAIRS, *_CODES)
    )


def copy_keys(curve: Any, other: Any) -> None:
    """Give a curve the keys of another, with all that belongs to them."""
    points, count = other.keyframe_points, len(curve.keyframe_points)
    points.clear()
    points.add(count)
    for name in (*_CODES, *_PAIRS, *_NUMBERS, *_FLAGS):
        points.foreach_set(name, _read(curve.keyframe_points, name, count).ravel())
    other.update()


def _smooth(curve: Any, how: Writing) -> None:
    if how.smoothing:
        curve.auto_smoothing = how.smoothing


def _planned(planned: PlannedCurve) -> WrittenCurve:
    return WrittenCurve(planned.frames.astype(np.float32, copy=False), planned.values.astype(np.float32, copy=False))


def _fill(curve: Any, keys: WrittenCurve, interpolation: str) -> None:
    points = curve.keyframe_points
    count = len(keys.frames)
    points.add(count)
    points.foreach_set("co", np.stack([keys.frames, keys.values], axis=1).ravel())
    if interpolation != "BEZIER":
        # new keys are born as Bezier, with automatic clamped handles
        code = compat.key_code("interpolation", interpolation)
        points.foreach_set("interpolation", np.full(count, code, np.int32))
    # "may be erased and the tool run again", as Blender's manual says of such keys
    points.foreach_set("type", np.full(count, compat.key_type_code("GENERATED"), np.int32))


def _marked(points: Any, count: int, interpolation: str) -> NDArray[np.bool_]:
    """(n,) keys that are not as we make them."""
    expected = {
        "type": compat.key_type_code("GENERATED"),
        "interpolation": compat.key_code("interpolation", interpolation),
        "handle_left_type": compat.key_code("handle_left_type", "AUTO_CLAMPED"),
        "handle_right_type": compat.key_code("handle_right_type", "AUTO_CLAMPED"),
    }
    found = np.zeros(count, bool)
    for name, code in expected.items():
        found |= _read(points, name, count) != code
    return found


def _read(points: Any, name: str, count: int) -> NDArray[Any]:
    if name in _PAIRS:
        pairs = np.empty(2 * count, np.float32)
        points.foreach_get(name, pairs)
        return pairs.reshape(-1, 2)
    kinds: dict[str, type[Any]] = {**dict.fromkeys(_CODES, np.int32), **dict.fromkeys(_FLAGS, np.bool_)}
    values = np.empty(count, kinds.get(name, np.float32))
    points.foreach_get(name, values)
    return values


def _read_all(points: Any, chosen: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Everything about the chosen keys; nothing where there are none."""
    if not chosen.any():
        return {}
    return {name: _read(points, name, len(points))[chosen] for name in (*_PAIRS, *_NUMBERS, *_FLAGS, *_CODES)}


def _put(points: Any, kept: dict[str, NDArray[Any]], places: NDArray[np.int64]) -> None:
    """The artist's keys with all that belongs to them, at their new places."""
    if not len(places):
        return
    for name, values in kept.items():
        whole = _read(points, name, len(points))
        whole[places] = values
        points.foreach_set(name, whole.ravel())
