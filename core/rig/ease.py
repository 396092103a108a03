# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of speech comes from rest and goes back to it, instead of holding its last pose for ever."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray
from ..face.series import smoothstep
from .curves import PlannedCurve

Rest = Mapping[tuple[str, int], float]


def eased_curves(
    curves: Sequence[PlannedCurve], rest: Rest, before: int, after: int | None = None
) -> tuple[PlannedCurve, ...]:
    """The curves with ``before`` frames from ``rest`` before them and ``after`` (None: as many) back to it behind.

    rest: value of each path and index; what is missing rests at zero, a quaternion at no rotation. The line's own
    frames stay as they are.
    """
    after = before if after is None else after
    if before < 1 and after < 1:
        return tuple(curves)
    rise, fall = _rise(before), _rise(after)
    by_path: dict[tuple[str, str], list[PlannedCurve]] = {}
    for curve in curves:
        by_path.setdefault((curve.datablock, curve.path), []).append(curve)
    # most curves share their frames
    sharing: dict[int, list[PlannedCurve]] = {}
    for group in by_path.values():
        sharing.setdefault(id(group[0].frames), []).extend(group)
    eased: dict[int, PlannedCurve] = {}
    for group in sharing.values():
        at = group[0].frames
        ends = at[0] - np.arange(before, 0, -1), at, at[-1] + np.arange(1, after + 1)
        times = np.concatenate(ends).astype(np.float32)
        apart = [curve for curve in group if not _turns_together(curve.path)]
        eased |= _eased_apart(apart, rest, rise, fall, times)
        turning = dict.fromkeys((curve.datablock, curve.path) for curve in group if _turns_together(curve.path))
        for name in turning:
            eased |= _eased_property(by_path[name], rest, rise, fall, times)
    return tuple(eased[id(curve)] for group in by_path.values() for curve in group)


def rest_value(path: str, index: int) -> float:
    """Where a channel rests of which nothing else is known."""
    return 1.0 if path.endswith("rotation_quaternion") and index == 0 else 0.0


def _turns_together(path: str) -> bool:
    """Whether the channels of a property are one rotation, of which none is anything alone."""
    return path.endswith(("rotation_quaternion", "rotation_axis_angle"))


def _eased_apart(
    curves: list[PlannedCurve], rest: Rest, rise: FloatArray, fall: FloatArray, times: NDArray[np.float32]
) -> dict[int, PlannedCurve]:
    """Channels that count each for itself, all in one array, by the ``id`` of each curve."""
    if not curves:
        return {}
    still = np.array([rest.get((c.path, c.index), rest_value(c.path, c.index)) for c in curves])[:, None]
    whole = np.empty((len(curves), len(times)), np.float32)
    inside = slice(len(rise), len(times) - len(fall))
    whole[:, inside] = [curve.values for curve in curves]
    first, last = (whole[:, inside][:, [end]].astype(np.float64) for end in (0, -1))
    whole[:, : len(rise)] = still + rise.T * (first - still)
    whole[:, inside.stop :] = (still + fall.T * (last - still))[:, ::-1]
    return {id(curve): dataclasses.replace(curve, frames=times, values=whole[row]) for row, curve in enumerate(curves)}


def _eased_property(
    group: list[PlannedCurve], rest: Rest, rise: FloatArray, fall: FloatArray, times: NDArray[np.float32]
) -> dict[int, PlannedCurve]:
    """All channels of one rotation, by the ``id`` of each curve."""
    path = group[0].path
    first, last = (np.array([curve.values[end] for curve in group], np.float64) for end in (0, -1))
    still = np.array([rest.get((path, curve.index), rest_value(path, curve.index)) for curve in group])
    before = _between(path, _near(path, still, first), first, rise).astype(np.float32)
    after = _between(path, _near(path, still, last), last, fall)[::-1].astype(np.float32)
    return {
        id(curve): dataclasses.replace(
            curve, frames=times, values=np.concatenate([before[:, column], curve.values, after[:, column]])
        )
        for column, curve in enumerate(group)
    }


def _rise(frames: int) -> FloatArray:
    """(frames, 1) shares of the way, slow at both ends."""
    return smoothstep(np.arange(frames) / max(frames, 1))[:, None]


def _near(path: str, still: FloatArray, value: FloatArray) -> FloatArray:
    """The resting rotation in the writing that lies nearest to ``value``."""
    if path.endswith("rotation_quaternion") and still @ value < 0:
        return -still
    if path.endswith("rotation_axis_angle") and abs(still[0]) < 1e-6:
        # no rotation about whatever axis comes next
        return np.concatenate([[0.0], value[1:]])
    return still


def _between(path: str, start: FloatArray, end: FloatArray, share: FloatArray) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = start + share * (end - start)
    if path.endswith("rotation_quaternion"):
        mixed = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
    return mixed
