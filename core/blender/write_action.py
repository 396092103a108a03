# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the action of a plan, without touching who will play it. Main thread only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..direct.written import CurveName, WrittenCurve, pack_written, unpack_written
from ..rig.curves import ARMATURE, KEY, PlannedCurve, control_object, part_object
from ..rig.ease import rest_value
from ..rig.existing import CurvePoints, fingerprint
from ..rig.plan import CurvePlan
from . import compat
from .key_memory import LeftCurve
from .tags import (
    ADJUST_PROPERTY,
    BEFORE_PROPERTY,
    FINGERPRINT_PROPERTY,
    LINE_PROPERTY,
    PROVENANCE_PROPERTY,
    WRITTEN_PROPERTY,
    is_ours,
    record,
    store_bytes,
)
from .write_keys import (
    Writing,
    absent_curve,
    new_left,
    recall_curve,
    renew_curve,
    rewrite_curve,
    smoothing_of,
    write_new_curve,
)

# Blender cuts datablock names at 63 bytes
_NAME_LIMIT = 48
_OUR_NAME = "Mimesh"


@dataclass(frozen=True, slots=True)
class WrittenSlot:
    """An action, and in it the slot of one datablock (None before 4.4)."""

    action: Any
    slot: Any | None


def write_actions(plan: CurvePlan, owners: dict[str, Any], before: dict[str, Any]) -> dict[str, WrittenSlot]:
    """One action with a slot for each datablock; before 4.4 one action each. On a failure none is left behind.

    before: what to keep for Clear, as JSON can hold it. Where the artist has edited the line, it is a copy of that
    action with new motion about the artist's keys.
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
    records: dict[str, dict[CurveName, WrittenCurve]] = {}
    copies = _copied(plan, owners, made)
    for datablock, owner in owners.items():
        planned = plan.curves_of(datablock)
        if datablock in copies:
            slot = copies[datablock]
            left = update_curves(slot, datablock, planned, _how(plan, slot.action))
            ours = {name: curve.ours for name, curve in left.items()}
            # of ours alone: planned values may run through the artist's keys
            prints[datablock] = fingerprint(CurvePoints(n[1], n[2], c.our_points()) for n, c in left.items())
        else:
            slot = _new_slot(owner, made, copies)
            how = Writing(plan.interpolation, plan.bend_frames, smoothing=smoothing_of(plan.thinned, False))
            ours = _new_curves(slot, planned, how)
            prints[datablock] = fingerprint(_points(curve) for curve in planned)
        records.setdefault(slot.action.name, {}).update(ours)
        written[datablock] = slot
    line = {"sound": plan.line.sound, "face": plan.line.face, "first": plan.first, "last": plan.last}
    for action in made:
        compat.remove_slots_but(action, [slot.slot for slot in written.values() if slot.action == action])
        action[PROVENANCE_PROPERTY] = plan.provenance_json
        action[FINGERPRINT_PROPERTY] = json.dumps(prints)
        action[LINE_PROPERTY] = json.dumps(line)
        action[BEFORE_PROPERTY] = json.dumps(before)
        store_bytes(action, WRITTEN_PROPERTY, pack_written(records[action.name]))
        if plan.adjust_json:
            action[ADJUST_PROPERTY] = plan.adjust_json
    return written


def _new_slot(owner: Any, made: list[Any], copies: dict[str, WrittenSlot]) -> WrittenSlot:
    """An empty slot in the line's one action; before 4.4 an empty action."""
    free = [action for action in made if compat.has_slots(action)]
    if not free:
        made.append(bpy.data.actions.new("Mimesh"))
        free = made[-1:]
    return WrittenSlot(free[0], compat.curve_home(free[0], owner)[1])


def _new_curves(slot: WrittenSlot, planned: Sequence[PlannedCurve], how: Writing) -> dict[CurveName, WrittenCurve]:
    home = compat.slot_curves(slot.action, slot.slot)
    return {
        (curve.datablock, curve.path, curve.index): write_new_curve(
            compat.new_curve(home, curve.path, curve.index, curve.group), curve, how
        )
        for curve in planned
    }


def _copied(plan: CurvePlan, owners: dict[str, Any], made: list[Any]) -> dict[str, WrittenSlot]:
    """Copies of the actions whose edits are carried on, by datablock; one copy for all slots of an action."""
    copies: dict[str, Any] = {}
    found: dict[str, WrittenSlot] = {}
    for layer in plan.layers:
        if not layer.carries:
            continue
        old = next(slot for slot in our_slots(owners[layer.datablock]) if slot.action.name == layer.carries)
        if layer.carries not in copies:
            copies[layer.carries] = old.action.copy()
            made.append(copies[layer.carries])
        copy = copies[layer.carries]
        found[layer.datablock] = WrittenSlot(copy, compat.copied_slot(copy, old.slot))
    return found


def _how(plan: CurvePlan, action: Any) -> Writing:
    """The artist's keys go along where the line has moved by whole frames."""
    shift = round(plan.first - float(record(action, LINE_PROPERTY).get("first", plan.first)))
    smoothing = smoothing_of(plan.thinned, is_thinned(action))
    return Writing(plan.interpolation, plan.bend_frames, float(shift), smoothing, plan.only)


def is_thinned(action: Any) -> bool:
    """Whether a line's keys are tidied at present."""
    return float(record(action, ADJUST_PROPERTY).get("adjust", {}).get("tidy_mm", 0.0)) > 0


def update_curves(
    slot: WrittenSlot,
    datablock: str,
    planned: Sequence[PlannedCurve],
    how: Writing,
    known: Mapping[CurveName, LeftCurve] | None = None,
) -> dict[CurveName, LeftCurve]:
    """New motion on the curves of a line that is there already, about the artist's keys; returns what is there now.

    A curve that the artist has locked stays as it is, one that was removed stays away; one of ours that is no longer
    planned goes to rest. known: how all of them were left, where nothing has changed since.
    """
    home = compat.slot_curves(slot.action, slot.slot)
    if known is None:
        before = _written_for(slot, datablock, home)
    else:
        before = {name: c.ours for name, c in known.items() if name[0] == datablock}
    present = {(datablock, curve.data_path, curve.array_index): curve for curve in home.fcurves}
    wanted = {(curve.datablock, curve.path, curve.index): curve for curve in planned}
    found: dict[CurveName, LeftCurve] = {}
    for name, curve in (wanted | _at_rest(before, wanted, planned)).items():
        if name in present:
            left = None if known is None else known.get(name)
            found[name] = _renewed(present[name], curve, left, before.get(name), how)
        elif name in before:
            found[name] = absent_curve(curve, before[name])
        else:
            made = compat.new_curve(home, curve.path, curve.index, curve.group)
            found[name] = new_left(curve, write_new_curve(made, curve, how))
    return found


def recall_curves(slot: WrittenSlot, datablock: str, interpolation: str) -> dict[CurveName, LeftCurve]:
    """How the curves of a line are now, as :func:`update_curves` would have left them; nothing is written."""
    home = compat.slot_curves(slot.action, slot.slot)
    present = {(datablock, curve.data_path, curve.array_index): curve for curve in home.fcurves}
    return {
        name: recall_curve(present.get(name), ours, interpolation)
        for name, ours in _written_for(slot, datablock, home).items()
    }


def _renewed(
    curve: Any, planned: PlannedCurve, left: LeftCurve | None, written: WrittenCurve | None, how: Writing
) -> LeftCurve:
    if curve.lock and written is not None and not how.shift:
        # the artist wants it as it is
        return recall_curve(curve, written, how.interpolation)
    if left is not None and not how.smoothing and not how.shift:
        # values first: frames are the same for all curves, so that they are seldom compared
        if np.array_equal(planned.values, left.values) and np.array_equal(planned.frames, left.frames):
            return left
        quick = renew_curve(curve, planned, left, how)
        if quick is not None:
            return quick
    return rewrite_curve(curve, planned, written, how)


def _at_rest(
    before: Mapping[CurveName, WrittenCurve], wanted: Mapping[CurveName, PlannedCurve], planned: Sequence[PlannedCurve]
) -> dict[CurveName, PlannedCurve]:
    """Curves of ours that new motion leaves out, since it holds them still."""
    frames = planned[0].frames if planned else np.zeros(0, np.float32)
    return {
        name: PlannedCurve(*name, frames, np.full(len(frames), rest_value(*name[1:]), np.float32), "")
        for name in before
        if name not in wanted
    }


def read_written(action: Any) -> dict[CurveName, WrittenCurve]:
    """What of an action's keys is ours; nothing where it was not noted."""
    return unpack_written(bytes(action[WRITTEN_PROPERTY])) if WRITTEN_PROPERTY in action else {}


def _written_for(slot: WrittenSlot, datablock: str, home: Any) -> dict[CurveName, WrittenCurve]:
    """What is ours on one datablock; found by its curves where a part of the face had another name then."""
    whole = read_written(slot.action)
    found = {name: curve for name, curve in whole.items() if name[0] == datablock}
    if found or part_object(datablock) is None:
        return found
    present = {(curve.data_path, curve.array_index) for curve in home.fcurves}
    for other in dict.fromkeys(name[0] for name in whole if part_object(name[0]) is not None):
        group = {name[1:]: curve for name, curve in whole.items() if name[0] == other}
        if group.keys() == present:
            return {(datablock, *name): curve for name, curve in group.items()}
    return {}


def shift_written(action: Any, frames: int) -> None:
    """Note that all keys of an action have moved, so that ours are still known."""
    if curves := read_written(action):
        moved = {name: WrittenCurve(c.frames + np.float32(frames), c.values) for name, c in curves.items()}
        store_bytes(action, WRITTEN_PROPERTY, pack_written(moved))


def our_slots(owner: Any) -> Iterator[WrittenSlot]:
    """Our actions on a datablock with its slot in each, in the order of :func:`our_actions`."""
    data = owner.animation_data if owner is not None else None
    if data is None:
        return
    if is_ours(data.action):
        yield WrittenSlot(data.action, compat.active_slot(owner))
    for track in reversed(list(data.nla_tracks)):
        for strip in track.strips:
            if is_ours(strip.action):
                yield WrittenSlot(strip.action, getattr(strip, "action_slot", None))


def name_actions(plan: CurvePlan, written: dict[str, WrittenSlot]) -> tuple[str, ...]:
    """Give the actions their names, which are free once the replaced ones are gone; returns them.

    A name that the artist gave to the line's action before stays.
    """
    base = f"{_OUR_NAME} {plan.object_name[:_NAME_LIMIT]}"
    replaced = {layer.datablock: layer.replaced for layer in plan.layers}
    named: dict[str, Any] = {}
    for datablock, slot in written.items():
        if slot.action in named.values():
            continue
        ending = {KEY: "", ARMATURE: " Bones"}.get(
            datablock, f" {part_object(datablock) or control_object(datablock)}"
        )
        given = [name for name in replaced.get(datablock, ()) if not name.startswith(_OUR_NAME)]
        slot.action.name = given[0] if given else base if slot.slot is not None else f"{base}{ending}"
        named[slot.action.name] = slot.action
    return tuple(action.name for action in named.values())


def _points(planned: PlannedCurve) -> CurvePoints:
    points = np.stack([planned.frames, planned.values], axis=1).astype(np.float32)
    return CurvePoints(planned.path, planned.index, points)
