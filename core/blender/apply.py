# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a :class:`CurvePlan`: the last, dumb step. All of it or nothing. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..errors import RigError
from ..rig.existing import CurvePoints, ExistingDatablock, fingerprint
from ..rig.plan import CurvePlan, Datablock, PlannedCurve
from . import compat
from .read_animation import FINGERPRINT_PROPERTY, PROVENANCE_PROPERTY, find_armature, read_existing

_INTERPOLATION_CODES = {"LINEAR": 1, "BEZIER": 2}
# Blender cuts datablock names at 63 bytes
_NAME_LIMIT = 48

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What was written. actions: their names, shape keys first."""

    keys_written: int
    actions: tuple[str, ...]
    seconds: float


def apply_plan(plan: CurvePlan, obj: bpy.types.Object) -> ApplyReport:
    """Write the plan to ``obj`` and its armature; on any failure everything is put back as it was."""
    started = time.perf_counter()
    _require_unchanged(plan, obj)
    undo: list[Undo] = []
    actions: list[Any] = []
    retired: list[Any] = []
    try:
        _widen_sliders(plan, obj.data.shape_keys, undo)
        for owner, datablock, existing in _owners(plan, obj):
            retired += _make_room(owner, existing, undo)
            actions.append(_write_action(plan, owner, datablock, undo))
    except BaseException:
        # BaseException: an interrupt must not leave half a face behind either
        for step in reversed(undo):
            step()
        raise
    _remove_retired(retired)
    for action, name in zip(actions, _action_names(plan, obj), strict=False):
        action.name = name
    _refresh()
    seconds = time.perf_counter() - started
    return ApplyReport(plan.key_count, tuple(action.name for action in actions), seconds)


def _require_unchanged(plan: CurvePlan, obj: bpy.types.Object) -> None:
    """The artist may have assigned an action while the engine was working."""
    if obj.name != plan.object_name or read_existing(obj) != plan.existing:
        raise RigError(f'The animation of "{obj.name}" changed while the motion was being made.', "Generate again.")


def _owners(plan: CurvePlan, obj: bpy.types.Object) -> list[tuple[Any, Datablock, ExistingDatablock]]:
    owners: list[tuple[Any, Datablock, ExistingDatablock]] = []
    if plan.curves_of("key"):
        owners.append((obj.data.shape_keys, "key", plan.existing.key))
    if plan.curves_of("armature"):
        owners.append((find_armature(obj), "armature", plan.existing.armature))
    return owners


def _action_names(plan: CurvePlan, obj: bpy.types.Object) -> list[str]:
    """One action per datablock: before 4.4 an action has no slots, so keys and bones cannot share one."""
    base = f"Mimesh {obj.name[:_NAME_LIMIT]}"
    return [base if datablock == "key" else f"{base} Bones" for _, datablock, _ in _owners(plan, obj)]


def _widen_sliders(plan: CurvePlan, keys: Any, undo: list[Undo]) -> None:
    for slider in plan.widen:
        block = keys.key_blocks[slider.key_name]
        undo.append(_slider_restorer(block))
        block.slider_min, block.slider_max = slider.minimum, slider.maximum


def _slider_restorer(block: bpy.types.ShapeKey) -> Undo:
    minimum, maximum, value = block.slider_min, block.slider_max, block.value

    def restore() -> None:
        block.slider_min, block.slider_max, block.value = minimum, maximum, value

    return restore


def _make_room(owner: Any, existing: ExistingDatablock, undo: list[Undo]) -> list[Any]:
    """Take the present action out: an artist's goes to an NLA track; ours is returned, to be deleted at the end."""
    had_data = owner.animation_data is not None
    data = owner.animation_data or owner.animation_data_create()
    undo.append(_assignment_restorer(owner, had_data))
    if existing.action is None:
        return []
    action = data.action
    if not existing.action.ours:
        track = _push_down(data, action, compat.active_slot(owner))
        undo.append(lambda: data.nla_tracks.remove(track))
    data.action = None
    return [action] if existing.action.ours else []


def _assignment_restorer(owner: Any, had_data: bool) -> Undo:
    data, slot = owner.animation_data, compat.active_slot(owner)
    action = data.action
    blend = (data.action_blend_type, data.action_influence, data.action_extrapolation)

    def restore() -> None:
        data.action_blend_type, data.action_influence, data.action_extrapolation = blend
        data.action = action
        compat.set_slot(data, slot)
        if not had_data:
            owner.animation_data_clear()

    return restore


def _push_down(data: Any, action: bpy.types.Action, slot: Any | None) -> Any:
    """An unmuted track below our action: what we do not key (a body, say) keeps moving."""
    track = data.nla_tracks.new()
    track.name = action.name
    start = action.frame_range[0]
    strip = track.strips.new(action.name, int(start), action)
    compat.set_slot(strip, slot)
    strip.blend_type, strip.extrapolation = data.action_blend_type, data.action_extrapolation
    strip.influence = data.action_influence
    strip.frame_start_ui = start
    return track


def _write_action(plan: CurvePlan, owner: Any, datablock: Datablock, undo: list[Undo]) -> bpy.types.Action:
    action = bpy.data.actions.new("Mimesh")
    undo.append(lambda: bpy.data.actions.remove(action))
    curves = compat.assign_action(owner, action)
    data = owner.animation_data
    data.action_blend_type, data.action_influence, data.action_extrapolation = "REPLACE", 1.0, "HOLD"
    planned = plan.curves_of(datablock)
    for curve in planned:
        _write_curve(curves, curve, _INTERPOLATION_CODES[plan.interpolation])
    action[PROVENANCE_PROPERTY] = plan.provenance_json
    action[FINGERPRINT_PROPERTY] = fingerprint(_points(curve) for curve in planned)
    return action


def _write_curve(curves: Any, planned: PlannedCurve, interpolation: int) -> None:
    """In bulk: hundreds of times faster than keyframe_insert."""
    curve = compat.new_curve(curves, planned.path, planned.index, planned.group)
    points = curve.keyframe_points
    points.add(len(planned.frames))
    points.foreach_set("co", _points(planned).points.ravel())
    points.foreach_set("interpolation", np.full(len(planned.frames), interpolation, np.int32))
    # computes the automatic handles, which are at the origin until then
    curve.update()


def _points(planned: PlannedCurve) -> CurvePoints:
    points = np.stack([planned.frames, planned.values], axis=1).astype(np.float32)
    return CurvePoints(planned.path, planned.index, points)


def _remove_retired(actions: list[Any]) -> None:
    """Delete our replaced actions, unless the artist keeps one in use elsewhere (an NLA strip, a fake user)."""
    for action in actions:
        if action.users == 0:
            bpy.data.actions.remove(action)


def _refresh() -> None:
    """Evaluate the new curves at the current frame, so that the viewport shows them at once."""
    scene = bpy.context.scene
    if scene is not None:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
