# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the action of a plan, without touching who will play it. Main thread only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..rig.curves import ARMATURE, KEY, PlannedCurve, part_object
from ..rig.existing import CurvePoints, fingerprint
from ..rig.plan import CurvePlan
from . import compat
from .tags import BEFORE_PROPERTY, FINGERPRINT_PROPERTY, LINE_PROPERTY, PROVENANCE_PROPERTY

_INTERPOLATION_CODES = {"LINEAR": 1, "BEZIER": 2}
# Blender cuts datablock names at 63 bytes
_NAME_LIMIT = 48


@dataclass(frozen=True, slots=True)
class WrittenSlot:
    """An action, and in it the slot of one datablock (None before 4.4)."""

    action: Any
    slot: Any | None


def write_actions(plan: CurvePlan, owners: dict[str, Any], before: dict[str, Any]) -> dict[str, WrittenSlot]:
    """One action with a slot for each datablock; before 4.4 one action each. On a failure none is left behind.

    before: what to keep for Clear, as JSON can hold it.
    """
    made: list[Any] = []
    try:
        return _write(plan, owners, before, made)
    except BaseException:
        # BaseException: an interrupt must not leave half an action behind either
        for action in made:
            bpy.data.actions.remove(action)
        raise


def _write(plan: CurvePlan, owners: dict[str, Any], before: dict[str, Any], made: list[Any]) -> dict[str, WrittenSlot]:
    written: dict[str, WrittenSlot] = {}
    prints: dict[str, str] = {}
    for datablock, owner in owners.items():
        if not made or not compat.has_slots(made[-1]):
            made.append(bpy.data.actions.new("Mimesh"))
        action = made[-1]
        home, slot = compat.curve_home(action, owner)
        planned = plan.curves_of(datablock)
        for curve in planned:
            _write_curve(home, curve, _INTERPOLATION_CODES[plan.interpolation])
        prints[datablock] = fingerprint(_points(curve) for curve in planned)
        written[datablock] = WrittenSlot(action, slot)
    line = {"sound": plan.line.sound, "face": plan.line.face, "first": plan.first, "last": plan.last}
    for action in made:
        action[PROVENANCE_PROPERTY] = plan.provenance_json
        action[FINGERPRINT_PROPERTY] = json.dumps(prints)
        action[LINE_PROPERTY] = json.dumps(line)
        action[BEFORE_PROPERTY] = json.dumps(before)
    return written


def name_actions(plan: CurvePlan, written: dict[str, WrittenSlot]) -> tuple[str, ...]:
    """Give the actions their names, which are free once the replaced ones are gone; returns them."""
    base = f"Mimesh {plan.object_name[:_NAME_LIMIT]}"
    named: dict[str, Any] = {}
    for datablock, slot in written.items():
        if slot.action in named.values():
            continue
        ending = {KEY: "", ARMATURE: " Bones"}.get(datablock, f" {part_object(datablock)}")
        slot.action.name = base if slot.slot is not None else f"{base}{ending}"
        named[slot.action.name] = slot.action
    return tuple(action.name for action in named.values())


def _write_curve(home: Any, planned: PlannedCurve, interpolation: int) -> None:
    """In bulk: hundreds of times faster than keyframe_insert."""
    curve = compat.new_curve(home, planned.path, planned.index, planned.group)
    points = curve.keyframe_points
    count = len(planned.frames)
    points.add(count)
    points.foreach_set("co", _points(planned).points.ravel())
    if interpolation != _INTERPOLATION_CODES["BEZIER"]:
        # new keys are born as Bezier, with automatic clamped handles
        points.foreach_set("interpolation", np.full(count, interpolation, np.int32))
    # "may be erased and the tool run again", as Blender's manual says of such keys
    points.foreach_set("type", np.full(count, compat.key_type_code("GENERATED"), np.int32))
    # computes the automatic handles, which are at the origin until then
    curve.update()


def _points(planned: PlannedCurve) -> CurvePoints:
    points = np.stack([planned.frames, planned.values], axis=1).astype(np.float32)
    return CurvePoints(planned.path, planned.index, points)
