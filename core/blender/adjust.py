# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjusts a baked line in its place, from its kept motion and without the engine. Main thread only."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..adjust_settings import AdjustSettings
from ..direct.adjust import AdjustableLine, adjustable
from ..direct.kept_motion import rig_digest
from ..direct.refit import refitted
from ..direct.tidy import tidied
from ..direct.written import CurveName, WrittenCurve, pack_written
from ..errors import MimeshError, RigError
from ..face.basis import open_basis
from ..rig.curves import ARMATURE, KEY, controls_of, part_keys
from ..rig.description import RigDescription
from ..rig.existing import CurvePoints, ExistingAnimation, ExistingDatablock, fingerprint
from ..rig.plan import ApplySettings, CurvePlan, plan_curves
from ..rig.plan_bones import TurnMemory
from ..rig.solve import prepare_solver
from . import compat
from .adjust_record import adjust_json, bake_of, is_rough, line_adjust
from .apply import widen_sliders
from .armature import find_armature
from .editable import require_editable
from .kept import KeptLine, kept_lines, load
from .key_memory import KeyMemory, LeftCurve, is_untouched, settle, unwatch, watch
from .layers import pull_edits, refresh_layers
from .nla import place_strip
from .owners import owner_of
from .read_animation import action_line, line_owners, read_datablock
from .read_rig import read_rig
from .tags import (
    ADJUST_PROPERTY,
    FINGERPRINT_PROPERTY,
    KEPT_PROPERTY,
    WRITTEN_PROPERTY,
    our_actions,
    record,
    store_bytes,
)
from .takes import forget_keys
from .write_action import WrittenSlot, is_thinned, our_slots, read_written, update_curves
from .write_keys import Writing, smoothing_of

# a rig that was read this long ago is read again: the artist may have changed its keys
_FRESH_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class _Ready:
    """A line that was adjusted lately.

    mark: what it was prepared from. armature: what animates it besides. tidy: frames of each curve's keys since it was
    tidied last; empty where it is not.
    """

    mark: tuple[object, ...]
    rig: RigDescription
    line: AdjustableLine
    armature: ExistingDatablock
    used: float
    memory: KeyMemory = field(default_factory=KeyMemory)
    turned: TurnMemory = field(default_factory=TurnMemory)
    tidy: dict[CurveName, NDArray[np.float32]] = field(default_factory=dict)


_ready: dict[str, _Ready] = {}


def adjust_line(obj: bpy.types.Object, line: KeptLine, settings: AdjustSettings, dragged: bool = False) -> float:
    """Key the line as the settings want it; the artist's keys stay. Returns the seconds that it took.

    dragged: a tidied line keeps its keys' places for now, so that it follows at once, until :func:`tidy_rough_lines`.
    Raises :class:`MimeshError` before anything is written, as where the line's motion is lost.
    """
    started = time.perf_counter()
    require_editable(obj, find_armature(obj))
    watch()
    untouched = is_untouched()
    if not untouched:
        pull_edits(obj)
    ready = _prepared(obj, line, untouched)
    slots = line_slots(obj, line, ready.rig)
    rough = dragged and settings.tidy_mm > 0
    if rough and not ready.tidy:
        ready.tidy = {name: curve.frames for _, slot in slots for name, curve in read_written(slot.action).items()}
    plan = _plan(ready, line, settings, rough)
    _write(obj, slots, ready, plan)
    refresh_layers(obj)
    for action in {slot.action.name: slot.action for _, slot in slots}.values():
        action[ADJUST_PROPERTY] = adjust_json(settings, plan.missed, rough)
    forget_keys(obj, line.line.sound)
    if bpy.context.view_layer is not None:
        bpy.context.view_layer.update()
    settle()
    return time.perf_counter() - started


def tidy_rough_lines() -> int:
    """Tidy the lines anew whose sliders were dragged; returns how many there were.

    A line that has become impossible to change stays as it is.
    """
    count = 0
    for obj in list(bpy.data.objects):
        if obj.type != "MESH" or obj.data.shape_keys is None:
            continue
        for line in kept_lines(obj):
            if is_rough(line):
                with contextlib.suppress(MimeshError):
                    adjust_line(obj, line, line_adjust(line))
                    count += 1
    return count


def line_key_count(obj: bpy.types.Object, line: KeptLine) -> int:
    """Keys of a line on the face, its armature and whatever else it moves, the artist's with them."""
    found = {a.name: a for owner in line_owners(obj) for a in our_actions(owner) if action_line(a) == line.line}
    return sum(len(curve.keyframe_points) for a in found.values() for curve in compat.action_curves(a))


def forget_prepared() -> None:
    """Let go of prepared lines."""
    _ready.clear()
    unwatch()


def _prepared(obj: bpy.types.Object, line: KeptLine, untouched: bool) -> _Ready:
    action = bpy.data.actions.get(line.action)
    kept_bytes = bytes(action[KEPT_PROPERTY]) if action is not None and KEPT_PROPERTY in action else b""
    names = tuple(block.name for block in obj.data.shape_keys.key_blocks)
    mark = (obj.name, line.line, zlib.crc32(kept_bytes), len(obj.data.vertices), names)
    found = _ready.get(obj.name)
    now = time.monotonic()
    if found is None or found.mark != mark or now - found.used > _FRESH_SECONDS:
        kept = load(line)
        rig = read_rig(obj)
        solver = prepare_solver(rig, open_basis())
        digest = rig_digest(rig)
        if kept.solved is None or kept.rig != digest:
            plain = None if kept.plain is None else solver.solve(kept.plain)
            kept = dataclasses.replace(kept, solved=solver.solve(kept.motion), plain_solved=plain, rig=digest)
            kept = kept.rounded()
        found = _Ready(mark, rig, adjustable(kept, solver), _armature(obj), now)
        _ready.clear()
        _ready[obj.name] = found
    elif not untouched:
        found.armature = _armature(obj)
        found.memory.forget()
    found.used = now
    return found


def _armature(obj: bpy.types.Object) -> ExistingDatablock:
    return dataclasses.replace(read_datablock(find_armature(obj)), action=None, tweaking=False)


def _plan(ready: _Ready, line: KeptLine, settings: AdjustSettings, rough: bool) -> CurvePlan:
    bake = bake_of(line)
    apply = ApplySettings(
        # what is in the way has been dealt with when the line was baked
        on_existing="push_down",
        neck_share=bake.neck_share,
        ease_seconds=settings.ease_in_seconds,
        ease_out_seconds=settings.ease_out_seconds,
        line=line.line.sound,
    )
    motion, timing = ready.line.adjusted(settings), ready.line.kept.timing
    existing = ExistingAnimation(armature=ready.armature)
    plan = plan_curves(ready.rig, motion, timing, apply, existing, line.provenance_json, ready.turned)
    if rough:
        frames = max((curve.frames for curve in plan.curves), key=len)
        return refitted(plan, ready.tidy, ready.line.shut_on(settings, timing.seconds_at(frames.astype(np.int64))))
    plan = tidied(plan, ready.rig, settings.tidy_mm, settings.keys_on)
    ready.tidy = {(c.datablock, c.path, c.index): c.frames for c in plan.curves} if plan.thinned else {}
    return plan


def _write(obj: bpy.types.Object, slots: list[tuple[str, WrittenSlot]], ready: _Ready, plan: CurvePlan) -> None:
    for _, slot in slots:
        if slot.action.library is not None:
            raise RigError(f'The action "{slot.action.name}" is linked, so it cannot change.', "Make it local.")
    owners = {name: owner_of(name, obj) for name, _ in slots}
    known = _known(ready.memory, slots)
    widen_sliders(plan, owners, [])
    before = any(is_thinned(slot.action) for _, slot in slots)
    smoothing = smoothing_of(plan.thinned, before) if plan.thinned != before or known is None else ""
    how = Writing(plan.interpolation, plan.bend_frames, smoothing=smoothing)
    left: dict[CurveName, LeftCurve] = {}
    records: dict[str, dict[CurveName, WrittenCurve]] = {}
    prints: dict[str, dict[str, str]] = {}
    ranges = {slot.action.name: tuple(slot.action.frame_range) for _, slot in slots}
    for datablock, slot in slots:
        curves = update_curves(slot, datablock, plan.curves_of(datablock), how, known)
        left |= curves
        records.setdefault(slot.action.name, {}).update((name, curve.ours) for name, curve in curves.items())
        points = [CurvePoints(n[1], n[2], curve.our_points()) for n, curve in curves.items()]
        prints.setdefault(slot.action.name, {})[datablock] = fingerprint(points)
    packed = {name: pack_written(curves) for name, curves in records.items()}
    for name, data in packed.items():
        action = bpy.data.actions[name]
        store_bytes(action, WRITTEN_PROPERTY, data)
        action[FINGERPRINT_PROPERTY] = json.dumps(record(action, FINGERPRINT_PROPERTY) | prints[name])
    # before 4.4 a line has several actions
    ready.memory.record, ready.memory.curves = b"".join(packed.values()), left
    for owner in owners.values():
        _fit_strips(owner, ranges)


def _known(memory: KeyMemory, slots: list[tuple[str, WrittenSlot]]) -> dict[CurveName, LeftCurve] | None:
    """How the line's curves were left, where what was stored with them then is still there."""
    actions = dict.fromkeys(slot.action for _, slot in slots)
    stored = b"".join(bytes(action.get(WRITTEN_PROPERTY, b"")) for action in actions)
    return memory.curves if memory.record and stored == memory.record else None


def line_slots(obj: bpy.types.Object, line: KeptLine, rig: RigDescription) -> list[tuple[str, WrittenSlot]]:
    """The line's slot on each datablock that has one."""
    beside = [*(part_keys(part.object_name) for part in rig.parts), *map(controls_of, rig.control_owners)]
    names = [KEY, ARMATURE, *beside]
    found = []
    for name in names:
        fitting = (slot for slot in our_slots(owner_of(name, obj)) if action_line(slot.action) == line.line)
        first = next(fitting, None)
        if first is not None:
            found.append((name, first))
    return found


def _fit_strips(owner: Any, before: dict[str, tuple[float, ...]]) -> None:
    """NLA strips that played a whole action go on doing so when its ease has another length."""
    data = owner.animation_data if owner is not None else None
    for track in data.nla_tracks if data is not None else ():
        for strip in track.strips:
            if strip.action is None or strip.action.name not in before:
                continue
            first, last = before[strip.action.name]
            now = tuple(strip.action.frame_range)
            whole = (strip.action_frame_start, strip.action_frame_end) == (first, last)
            if whole and (first, last) != now:
                scale = strip.scale
                start = strip.frame_start + scale * (now[0] - first)
                end = strip.frame_end + scale * (now[1] - last)
                place_strip(strip, now, (start, end))
