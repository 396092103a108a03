# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a line that is adjusted, so that a slider need not find it out at every step. Main thread only."""

from __future__ import annotations

import dataclasses
import time
import zlib
from dataclasses import dataclass, field

import bpy
import numpy as np
from numpy.typing import NDArray

from ..direct.adjust import AdjustableLine, adjustable
from ..direct.kept_motion import rig_digest
from ..direct.written import CurveName
from ..face.basis import open_basis
from ..rig.curves import ARMATURE, KEY, controls_of, part_keys
from ..rig.description import RigDescription
from ..rig.existing import ExistingDatablock
from ..rig.plan import ApplySettings
from ..rig.plan_bones import TurnMemory
from ..rig.solve import prepare_solver
from .armature import find_armature
from .kept import KeptLine, load
from .key_memory import KeyMemory, is_untouched, settle, unwatch, watch
from .layer_strips import layer_strips
from .moved_keys import follow_moved_keys
from .owners import owner_of
from .read_animation import action_line, read_datablock
from .read_rig import read_rig
from .tags import KEPT_PROPERTY, WRITTEN_PROPERTY
from .write_action import WrittenSlot, our_slots, recall_curves

# a rig that was read this long ago is read again: the artist may have changed its keys
_FRESH_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class ReadyLine:
    """A line that was adjusted lately.

    mark, digest: what it was prepared from, and on which rig. armature: what animates it besides. memory, turned: how
    its curves were left. tidy: frames of each curve's keys since it was tidied last; empty where it is not. loose:
    whether the record of its keys was written in haste.
    """

    mark: tuple[object, ...]
    digest: str
    rig: RigDescription
    line: AdjustableLine
    armature: ExistingDatablock
    used: float
    memory: KeyMemory = field(default_factory=KeyMemory)
    turned: TurnMemory = field(default_factory=TurnMemory)
    tidy: dict[CurveName, NDArray[np.float32]] = field(default_factory=dict)
    loose: bool = False


ready_lines: dict[str, ReadyLine] = {}


def prepare_line(obj: bpy.types.Object, line: KeptLine) -> None:
    """Get a line ready ahead of its first slider, where it is not: half a second that nobody should wait for."""
    watch()
    ready = prepared(obj, line, is_untouched(), _FRESH_SECONDS / 2)
    if ready.memory.records or layer_strips(obj):
        # what the artist keys on layers is for a slider to gather
        return
    interpolation = ApplySettings().interpolation
    slots = line_slots(obj, line, ready.rig)
    for datablock, slot in slots:
        ready.memory.curves |= recall_curves(slot, datablock, interpolation)
    ready.memory.records = stored_records(slots)
    settle()


def forget_prepared() -> None:
    """Let go of prepared lines."""
    ready_lines.clear()
    unwatch()


def prepared(obj: bpy.types.Object, line: KeptLine, untouched: bool, fresh: float = _FRESH_SECONDS) -> ReadyLine:
    """The line, ready to be adjusted.

    untouched: no action has changed since. fresh: seconds after which a rig is read again.
    Raises :class:`MimeshError` where the motion is lost or the rig cannot be read.
    """
    if not untouched:
        follow_moved_keys(obj, line.line.sound)
    action = bpy.data.actions.get(line.action)
    kept_bytes = bytes(action[KEPT_PROPERTY]) if action is not None and KEPT_PROPERTY in action else b""
    names = tuple(block.name for block in obj.data.shape_keys.key_blocks)
    mark = (obj.name, line.line, zlib.crc32(kept_bytes), len(obj.data.vertices), names)
    found = ready_lines.get(obj.name)
    now = time.monotonic()
    if found is None or found.mark != mark or now - found.used > fresh:
        found = _read_again(obj, line, mark, found)
        ready_lines.clear()
        ready_lines[obj.name] = found
    elif not untouched:
        found.armature = _armature(obj)
        found.memory.forget()
    found.used = now
    return found


def _read_again(obj: bpy.types.Object, line: KeptLine, mark: tuple[object, ...], found: ReadyLine | None) -> ReadyLine:
    """The line on the rig as it is now; what was found before is enough where that has not changed."""
    rig = read_rig(obj)
    digest = rig_digest(rig)
    if found is not None and found.mark == mark and found.digest == digest:
        return dataclasses.replace(found, rig=rig, armature=_armature(obj), memory=KeyMemory(), turned=TurnMemory())
    kept = load(line)
    solver = prepare_solver(rig, open_basis())
    if kept.solved is None or kept.rig != digest:
        plain = None if kept.plain is None else solver.solve(kept.plain)
        kept = dataclasses.replace(kept, solved=solver.solve(kept.motion), plain_solved=plain, rig=digest)
        kept = kept.rounded()
    return ReadyLine(mark, digest, rig, adjustable(kept, solver), _armature(obj), 0.0)


def _armature(obj: bpy.types.Object) -> ExistingDatablock:
    return dataclasses.replace(read_datablock(find_armature(obj)), action=None, tweaking=False)


def stored_records(slots: list[tuple[str, WrittenSlot]]) -> list[bytes]:
    """The records of the line's actions."""
    actions = dict.fromkeys(slot.action for _, slot in slots)
    return [bytes(action.get(WRITTEN_PROPERTY, b"")) for action in actions]


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
