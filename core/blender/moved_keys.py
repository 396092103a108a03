# SPDX-License-Identifier: GPL-3.0-or-later
"""A line whose keys the artist has moved in time, all of them together: they are its own still. Main thread only.

Without this each of them would count as the artist's, and nothing could change the line any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ..rig.existing import fingerprint
from . import compat
from .kept import kept_lines
from .layers import is_layered
from .read_animation import action_line, curve_points, line_owners
from .sheet.retime import note_shift
from .tags import FINGERPRINT_PROPERTY, is_layer, our_actions, record
from .takes import shift_takes
from .write_action import read_written

# of a line's curves
_MOST = 0.9
_SAME = 0.01


def follow_moved_keys(obj: bpy.types.Object, sound: str) -> int:
    """Note of the line for this sound that its keys were moved; returns by how many frames, 0 for not at all."""
    line = next((found.line for found in kept_lines(obj) if found.line.sound == sound), None)
    if line is None or is_layered(obj, line):
        return 0
    actions = dict.fromkeys(
        action
        for owner in line_owners(obj)
        for action in our_actions(owner)
        if action_line(action) == line and not is_layer(action) and action.library is None
    )
    shifts = {_shift_of(action) for action in actions} - {None}
    if len(shifts) != 1 or shifts == {0}:
        # of several actions, as before Blender 4.4, some alone were moved
        return 0
    frames = int(next(iter(shifts)) or 0)
    for action in actions:
        note_shift(action, dict(_untouched(action, frames)), frames)
    shift_takes(obj, sound, frames)
    return frames


def _shift_of(action: Any) -> int | None:
    """Whole frames that nearly all curves have moved by; None where nothing is known of the action's keys."""
    written = {(path, index): curve for (_, path, index), curve in read_written(action).items() if len(curve.frames)}
    curves = [c for c in compat.action_curves(action) if (c.data_path, c.array_index) in written]
    if not curves:
        return None
    first = curves[0]
    by = first.range()[0] - float(written[first.data_path, first.array_index].frames[0])
    frames = round(by)
    if frames == 0 or abs(by - frames) > _SAME:
        return 0
    moved = 0
    for curve in curves:
        now = curve_points(curve).points[:, 0]
        before = written[curve.data_path, curve.array_index].frames + np.float32(frames)
        moved += len(now) == len(before) and bool((np.abs(now - before) < _SAME).all())
    return frames if moved >= _MOST * len(curves) else 0


def _untouched(action: Any, frames: int) -> Iterator[tuple[str, list[Any]]]:
    """Datablocks whose keys are as we wrote them but for the move, by their names in our note."""
    noted = {str(value): name for name, value in record(action, FINGERPRINT_PROPERTY).items()}
    for curves in compat.curves_by_slot(action):
        found = [curve_points(curve) for curve in curves]
        back = [dataclasses.replace(p, points=p.points - np.array([frames, 0], np.float32)) for p in found]
        name = noted.get(fingerprint(back))
        if name is not None:
            yield name, curves
