# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would key on which object, told before any model is loaded. Changes nothing. Main thread only."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..client.choices import GenerateSettings
from ..face.basis import open_basis
from ..face.motion import INTERNAL_FPS, Motion
from ..face.resting import resting_motion
from ..rig.curves import ARMATURE, KEY, control_object, part_object
from ..rig.plan import CurvePlan, plan_curves
from ..rig.solve import prepare_solver
from .session import apply_settings, existing_of, read_target, refuse_existing, scene_timing

# radians
_STIR = 0.01


@dataclass(frozen=True, slots=True)
class KeyedDatablock:
    """owner: the object. what: "shape keys" or "bones". channels: names of keys, or bone and property. keys: how many.

    replaces, pushes_down: names of actions that make room.
    """

    owner: str
    what: str
    channels: tuple[str, ...]
    keys: int
    replaces: tuple[str, ...] = ()
    pushes_down: str = ""


@dataclass(frozen=True, slots=True)
class KeyPreview:
    """convention: of the face's keys. frames: first and last with the ease, None where the length is not known."""

    object_name: str
    convention: str
    frames: tuple[float, float] | None
    blocks: tuple[KeyedDatablock, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    def describe(self) -> str:
        """Lines for people."""
        where = f" on frames {self.frames[0]:g} to {self.frames[1]:g}" if self.frames else ""
        lines = [f"Would key {self.object_name} ({self.convention}){where}."]
        for block in self.blocks:
            told = f"{block.keys:,} keys on " if self.frames else ""
            line = f"{block.owner}, {block.what}: {told}{len(block.channels)} channels ({', '.join(block.channels)})."
            lines.append(line)
            lines += [f"  replaces {name}" for name in block.replaces]
            lines += [f"  pushes down {block.pushes_down}"] if block.pushes_down else []
        return "\n".join([*lines, *self.notes])


def preview_keys(
    scene: bpy.types.Scene, settings: GenerateSettings, first_frame: float, seconds: float | None
) -> KeyPreview:
    """Plan a hardly moving motion of this length. Raises a :class:`MimeshError` for what a run would refuse so far.

    seconds: of the speech, None where only the engine can tell; one second is planned then.
    """
    rig = read_target(settings.object_name)
    refuse_existing(rig, settings, first_frame)
    convention = rig.convention.label
    if rig.binding is None:
        note = "The engine's tracker looks for the face on this mesh first; its keys are told only then."
        return KeyPreview(rig.object_name, convention, None, (_searched(rig.object_name, rig.key_names),), (note,))
    frames = max(math.ceil((seconds if seconds is not None else 1.0) * INTERNAL_FPS), 1)
    motion = prepare_solver(rig, open_basis()).solve(_stirring(frames, settings))
    timing = scene_timing(scene, first_frame)
    plan = plan_curves(rig, motion, timing, apply_settings(settings), existing_of(rig), "")
    span = None if seconds is None else _span(plan)
    blocks = tuple(_block(plan, layer.datablock) for layer in plan.layers)
    return KeyPreview(rig.object_name, convention, span, blocks, plan.warnings)


def _stirring(frames: int, settings: GenerateSettings) -> Motion:
    """Everything turns a little that the settings let turn: what stands still gets no keys."""
    motion = resting_motion(frames)
    head = _STIR if settings.head.amount > 0 else 0.0
    gaze = _STIR if settings.eyes.gaze_amount > 0 else 0.0
    return motion.replace(
        jaw=motion.jaw + np.float32(_STIR), head=motion.head + np.float32(head), gaze=motion.gaze + np.float32(gaze)
    )


def _searched(object_name: str, keys: tuple[str, ...]) -> KeyedDatablock:
    return KeyedDatablock(object_name, "shape keys", keys, 0)


def _span(plan: CurvePlan) -> tuple[float, float]:
    return (
        min(float(curve.frames[0]) for curve in plan.curves),
        max(float(curve.frames[-1]) for curve in plan.curves),
    )


def _block(plan: CurvePlan, datablock: str) -> KeyedDatablock:
    curves = plan.curves_of(datablock)
    layer = next(layer for layer in plan.layers if layer.datablock == datablock)
    owner = plan.object_name if datablock == KEY else part_object(datablock) or control_object(datablock) or ""
    if datablock == ARMATURE:
        owner = read_target(plan.object_name).armature_name or ""
    return KeyedDatablock(
        owner=owner,
        what="bones" if datablock == ARMATURE else "controls" if control_object(datablock) else "shape keys",
        channels=tuple(dict.fromkeys(_channel(curve.path) for curve in curves)),
        keys=sum(len(curve.frames) for curve in curves),
        replaces=layer.replaced,
        pushes_down=layer.pushed,
    )


def _channel(path: str) -> str:
    """The part of an RNA path that people know: the key's name, or the bone's and its property."""
    name, _, rest = path.partition('["')[2].rpartition('"]')
    return f"{name}{rest}" if rest != ".value" else name
