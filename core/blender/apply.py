# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a :class:`CurvePlan`: the last, dumb step. All of it or nothing. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from ..errors import RigError
from ..rig.curves import control_object, part_object
from ..rig.plan import CurvePlan
from .before import values_before
from .owners import owner_of
from .place_layer import place_layer
from .read_animation import read_existing
from .tags import our_actions
from .write_action import name_actions, write_actions

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What was written. actions: their names; one for the whole line since Blender 4.4."""

    keys_written: int
    actions: tuple[str, ...]
    seconds: float


def apply_plan(plan: CurvePlan, obj: bpy.types.Object) -> ApplyReport:
    """Write the plan to ``obj``, its armature and its parts; on any failure everything is put back as it was."""
    started = time.perf_counter()
    _require_unchanged(plan, obj)
    owners = {layer.datablock: owner_of(layer.datablock, obj) for layer in plan.layers}
    earlier = [action for owner in owners.values() for action in our_actions(owner)]
    written = write_actions(plan, owners, values_before(plan, owners))
    undo: list[Undo] = [lambda: _remove({slot.action for slot in written.values()})]
    last_steps: list[Undo] = []
    try:
        widen_sliders(plan, owners, undo)
        for layer in plan.layers:
            name = plan.line.sound or plan.object_name
            last_steps += place_layer(owners[layer.datablock], layer, written[layer.datablock], name, undo)
    except BaseException:
        # BaseException: an interrupt must not leave half a face behind either
        for step in reversed(undo):
            step()
        raise
    for step in last_steps:
        step()
    # unless the artist keeps one in use elsewhere (a strip, a fake user)
    _remove({action for action in earlier if action.users == 0})
    names = name_actions(plan, written)
    _refresh()
    return ApplyReport(plan.key_count, names, time.perf_counter() - started)


def _require_unchanged(plan: CurvePlan, obj: bpy.types.Object) -> None:
    """The artist may have assigned an action while the engine was working."""
    beside = [name for name, _ in plan.existing.parts]
    parts, controls = (list(filter(None, map(kind, beside))) for kind in (part_object, control_object))
    if obj.name != plan.object_name or read_existing(obj, parts, controls) != plan.existing:
        raise RigError(f'The animation of "{obj.name}" changed while the motion was being made.', "Generate again.")


def widen_sliders(plan: CurvePlan, owners: dict[str, Any], undo: list[Undo]) -> None:
    """Give sliders the room that the plan needs; ``undo`` gets what takes it back."""
    for slider in plan.widen:
        if slider.datablock not in owners:
            continue
        block = owners[slider.datablock].key_blocks[slider.key_name]
        undo.append(_slider_restorer(block))
        block.slider_min = min(block.slider_min, slider.minimum)
        block.slider_max = max(block.slider_max, slider.maximum)


def _slider_restorer(block: bpy.types.ShapeKey) -> Undo:
    minimum, maximum, value = block.slider_min, block.slider_max, block.value

    def restore() -> None:
        block.slider_min, block.slider_max, block.value = minimum, maximum, value

    return restore


def _remove(actions: set[Any]) -> None:
    for action in actions:
        bpy.data.actions.remove(action)


def _refresh() -> None:
    """Evaluate the new curves at the current frame, so that the viewport shows them at once."""
    scene = bpy.context.scene
    if scene is not None:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
