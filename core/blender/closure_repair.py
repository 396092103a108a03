# SPDX-License-Identifier: GPL-3.0-or-later
"""Shuts closures that edited keys hold open: the line's own keys come back there. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..direct.closure_check import Closure
from ..direct.tidy_lips import face_reach
from ..direct.written import WrittenCurve, pack_written
from ..face.basis import open_basis
from ..rig.curves import ARMATURE, BONE_PATH, key_path, unquoted
from ..rig.description import RigDescription
from . import compat
from .adjust import adjust_line
from .adjust_ready import line_slots
from .adjust_record import line_adjust
from .armature import find_armature
from .closure_check import mark_open_closures
from .editable import require_editable
from .kept import KeptLine
from .read_rig import read_rig
from .tags import WRITTEN_PROPERTY, store_bytes
from .write_action import WrittenSlot, read_written

# keys so many frames about a closure give way in turn, until it is shut
_MARGINS = (0, 2, 5)
# a key that opens the lips by less at one has no part in it
_OPENS_CM = 0.01


def repair_closures(scene: bpy.types.Scene, obj: bpy.types.Object, line: KeptLine) -> tuple[Closure, ...]:
    """Key the line's own motion at closures that stay open, on curves that open the lips and nowhere else.

    Returns those that are open still, because something else than the line's keys opens them. Raises
    :class:`MimeshError` before anything is changed.
    """
    require_editable(obj, find_armature(obj))
    still_open = mark_open_closures(scene, obj, line)
    rig = read_rig(obj)
    for margin in _MARGINS:
        if not still_open:
            break
        for datablock, slot in line_slots(obj, line, rig):
            _clear(slot, datablock, _lip_paths(rig), [(c.first - margin, c.last + margin) for c in still_open])
        adjust_line(obj, line, line_adjust(line))
        still_open = mark_open_closures(scene, obj, line)
    return still_open


def _lip_paths(rig: RigDescription) -> frozenset[str]:
    """Paths of keys, and of controls that drive them, which open or shut the lips."""
    opens = np.abs(face_reach(rig, open_basis()).opening_per_key) > _OPENS_CM
    names = [name for name, moves in zip(rig.key_names, opens, strict=True) if moves]
    controls = [rig.controls[name].path for name in names if name in rig.controls]
    jaw = [f"jaw {rig.jaw_bone}"] if rig.jaw_bone is not None else []
    paths = {key_path(name) for name in names}
    parts = [own for own, path in rig.part_spellings.items() if path in paths]
    return frozenset([*paths, *parts, *controls, *jaw])


def _moves_lips(datablock: str, path: str, paths: frozenset[str]) -> bool:
    found = BONE_PATH.match(path) if datablock == ARMATURE else None
    turns_jaw = found is not None and "rotation" in found[2] and f"jaw {unquoted(found[1])}" in paths
    return path in paths or turns_jaw


def _clear(slot: WrittenSlot, datablock: str, paths: frozenset[str], spans: list[tuple[int, int]]) -> None:
    """Take keys away, also from what is noted as ours: the next writing then makes them anew."""
    written = read_written(slot.action)
    for curve in compat.slot_curves(slot.action, slot.slot).fcurves:
        name = (datablock, curve.data_path, curve.array_index)
        if name not in written or curve.lock or not _moves_lips(datablock, curve.data_path, paths):
            continue
        known = written[name]
        stays = ~_within(known.frames, spans)
        written[name] = WrittenCurve(known.frames[stays], known.values[stays])
        points: Any = curve.keyframe_points
        inside = _within(np.array([key.co.x for key in points]), spans)
        for index in reversed(np.flatnonzero(inside)):
            points.remove(points[int(index)], fast=True)
        curve.update()
    store_bytes(slot.action, WRITTEN_PROPERTY, pack_written(written))


def _within(frames: np.ndarray[Any, Any], spans: list[tuple[int, int]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    found = np.zeros(len(frames), bool)
    for first, last in spans:
        found |= (frames > first - 0.5) & (frames < last + 0.5)
    return found
