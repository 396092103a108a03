# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a :class:`CurvePlan`: the last, dumb step. All of it or nothing. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import bpy

from ..errors import RigError
from ..rig.curves import control_object, part_object
from ..rig.existing import ExistingAnimation
from ..rig.plan import CurvePlan
from .before import values_before
from .owners import owner_of
from .place_layer import place_layer
from .read_animation import read_existing
from .tags import is_ours, our_actions
from .write_action import WrittenSlot, name_actions, write_actions

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What was written. actions: their names; one for the whole line since Blender 4.4."""

    keys_written: int
    actions: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A written plan whose curves play already, while all that they have replaced is still there.

    written: by datablock. earlier: names of our actions that were there before. undo: steps back, the first one last;
    they hold as long as nobody changes tracks, strips or actions. last: what cannot be undone.
    """

    written: dict[str, WrittenSlot]
    earlier: tuple[str, ...]
    undo: list[Undo]
    last: list[Undo]

    @property
    def actions(self) -> set[Any]:
        """The new ones."""
        return {slot.action for slot in self.written.values()}

    def take_back(self) -> None:
        """All of it."""
        for step in reversed(self.undo):
            step()


def apply_plan(plan: CurvePlan, obj: bpy.types.Object, replaced: Collection[str] = ()) -> ApplyReport:
    """Write the plan to ``obj``, its armature and its parts; on any failure everything is put back as it was.

    replaced: names of more actions of ours that go where nothing uses them.
    """
    started = time.perf_counter()
    placed = place_plan(plan, obj)
    for step in placed.last:
        step()
    # unless the artist keeps one in use elsewhere (a strip, a fake user)
    gone = {*placed.earlier, *replaced}
    _remove({action for action in bpy.data.actions if action.name in gone and is_ours(action) and action.users == 0})
    names = name_actions(plan, placed.written)
    show_now()
    return ApplyReport(plan.key_count, names, time.perf_counter() - started)


def place_plan(plan: CurvePlan, obj: bpy.types.Object) -> Placed:
    """The part of :func:`apply_plan` that can be taken back; it takes itself back on any failure."""
    _require_unchanged(plan, obj)
    owners = {layer.datablock: owner_of(layer.datablock, obj) for layer in plan.layers}
    earlier = tuple(action.name for owner in owners.values() for action in our_actions(owner))
    written = write_actions(plan, owners, values_before(plan, owners))
    undo: list[Undo] = [lambda: _remove({slot.action for slot in written.values()})]
    last: list[Undo] = []
    try:
        widen_sliders(plan, owners, undo)
        for layer in plan.layers:
            name = plan.line.sound or plan.object_name
            last += place_layer(owners[layer.datablock], layer, written[layer.datablock], name, undo)
    except BaseException:
        # BaseException: an interrupt must not leave half a face behind either
        for step in reversed(undo):
            step()
        raise
    return Placed(written, earlier, undo, last)


def _require_unchanged(plan: CurvePlan, obj: bpy.types.Object) -> None:
    """The artist may have assigned an action while the engine was working."""
    if obj.name != plan.object_name or animation_now(plan, obj) != plan.existing:
        raise RigError(f'The animation of "{obj.name}" changed while the motion was being made.', "Generate again.")


def animation_now(plan: CurvePlan, obj: bpy.types.Object) -> ExistingAnimation:
    """What animates now all that the plan has looked at."""
    beside = [name for name, _ in plan.existing.parts]
    parts, controls = (list(filter(None, map(kind, beside))) for kind in (part_object, control_object))
    return read_existing(obj, parts, controls)


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


def show_now() -> None:
    """Evaluate the new curves at the current frame, so that the viewport shows them at once."""
    scene = bpy.context.scene
    if scene is not None:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
