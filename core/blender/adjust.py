# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjusts a baked line in its place, from its kept motion and without the engine. Main thread only."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import bpy
import numpy as np

from ..adjust_settings import AdjustSettings
from ..direct.refit import refitted
from ..direct.tidy import tidied
from ..direct.written import CurveName, WrittenCurve, pack_written, unpack_written
from ..errors import MimeshError, RigError
from ..rig.existing import CurvePoints, ExistingAnimation, fingerprint
from ..rig.plan import ApplySettings, CurvePlan, plan_curves
from . import compat
from .adjust_ready import ReadyLine, line_slots, prepared, ready_lines, stored_records
from .adjust_record import adjust_json, bake_of, is_rough, line_adjust
from .apply import widen_sliders
from .armature import find_armature
from .editable import require_editable
from .kept import KeptLine, kept_lines
from .key_memory import KeyMemory, LeftCurve, is_untouched, settle, watch
from .layers import pull_edits, refresh_layers
from .nla import place_strip
from .owners import owner_of
from .read_animation import action_line, line_owners
from .tags import (
    ADJUST_PROPERTY,
    FINGERPRINT_PROPERTY,
    WRITTEN_PROPERTY,
    our_actions,
    record,
    store_bytes,
)
from .takes import forget_keys
from .write_action import WrittenSlot, is_thinned, read_written, update_curves
from .write_keys import Writing, smoothing_of


def adjust_line(obj: bpy.types.Object, line: KeptLine, settings: AdjustSettings, dragged: bool = False) -> float:
    """Key the line as the settings want it; the artist's keys stay. Returns the seconds that it took.

    dragged: a tidied line keeps its keys' places for now, so that it follows at once, until :func:`settle_lines`.
    Raises :class:`MimeshError` before anything is written, as where the line's motion is lost.
    """
    started = time.perf_counter()
    require_editable(obj, find_armature(obj))
    watch()
    untouched = is_untouched()
    if not untouched:
        pull_edits(obj)
    ready = prepared(obj, line, untouched)
    slots = line_slots(obj, line, ready.rig)
    rough = dragged and settings.tidy_mm > 0
    if rough and not ready.tidy:
        ready.tidy = {name: curve.frames for _, slot in slots for name, curve in read_written(slot.action).items()}
    plan = _plan(ready, line, settings, rough)
    ready.loose = dragged
    _write(obj, slots, ready, plan)
    refresh_layers(obj)
    for action in {slot.action.name: slot.action for _, slot in slots}.values():
        action[ADJUST_PROPERTY] = adjust_json(settings, plan.missed, rough)
    forget_keys(obj, line.line.sound)
    if bpy.context.view_layer is not None:
        bpy.context.view_layer.update()
    settle()
    return time.perf_counter() - started


def settle_lines() -> int:
    """Tidy the lines anew whose sliders were dragged, and pack what was noted in haste; returns how many were tidied.

    A line that has become impossible to change stays as it is.
    """
    count = 0
    for ready in ready_lines.values():
        _pack_tightly(ready)
    for obj in list(bpy.data.objects):
        if obj.type != "MESH" or obj.data.shape_keys is None:
            continue
        for line in kept_lines(obj):
            if is_rough(line):
                with contextlib.suppress(MimeshError):
                    adjust_line(obj, line, line_adjust(line))
                    count += 1
    return count


def _pack_tightly(ready: ReadyLine) -> None:
    """The record of a line's keys as short as it is kept elsewhere."""
    if not ready.loose:
        return
    ready.loose = False
    tight = {}
    for action in (action for action in bpy.data.actions if WRITTEN_PROPERTY in action):
        data = bytes(action[WRITTEN_PROPERTY])
        if data in ready.memory.records:
            tight[data] = pack_written(unpack_written(data))
            store_bytes(action, WRITTEN_PROPERTY, tight[data])
    ready.memory.records = [tight.get(data, data) for data in ready.memory.records]


def line_key_count(obj: bpy.types.Object, line: KeptLine) -> int:
    """Keys of a line on the face, its armature and whatever else it moves, the artist's with them."""
    found = {a.name: a for owner in line_owners(obj) for a in our_actions(owner) if action_line(a) == line.line}
    return sum(len(curve.keyframe_points) for a in found.values() for curve in compat.action_curves(a))


def _plan(ready: ReadyLine, line: KeptLine, settings: AdjustSettings, rough: bool) -> CurvePlan:
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


def _write(obj: bpy.types.Object, slots: list[tuple[str, WrittenSlot]], ready: ReadyLine, plan: CurvePlan) -> None:
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
    packed = {name: pack_written(curves, effort=0 if ready.loose else 1) for name, curves in records.items()}
    for name, data in packed.items():
        action = bpy.data.actions[name]
        store_bytes(action, WRITTEN_PROPERTY, data)
        action[FINGERPRINT_PROPERTY] = json.dumps(record(action, FINGERPRINT_PROPERTY) | prints[name])
    ready.memory.records, ready.memory.curves = list(packed.values()), left
    for owner in owners.values():
        _fit_strips(owner, ranges)


def _known(memory: KeyMemory, slots: list[tuple[str, WrittenSlot]]) -> dict[CurveName, LeftCurve] | None:
    """How the line's curves were left, where what was stored with them then is still there."""
    return memory.curves if memory.records and stored_records(slots) == memory.records else None


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
