# SPDX-License-Identifier: GPL-3.0-or-later
"""A line as layers: lips, jaw, brows, lids, gaze and head as NLA strips of their own, each with its influence.

The line's own strip stays, muted, and is what everything else works on; the layers are copies of its curves. Before
anything is written the artist's edits of the layers go into it (:func:`pull_edits`), and afterwards the layers are
made anew from it (:func:`refresh_layers`), so that a line may be layered and unlayered at any time without loss.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from ..errors import RigError
from ..face_parts import LABELS, PARTS
from ..rig.ease import rest_value
from ..rig.existing import Line
from . import compat
from .armature import find_armature
from .before import recorded
from .editable import require_editable
from .kept import KeptLine
from .layer_names import PartNames
from .layer_strips import REST, LayerStrip, layer_strips
from .nla import place_strip
from .read_animation import action_line, line_owners
from .tags import LAYER_CURVES_PROPERTY, LAYER_PROPERTY, LAYERED_PROPERTY, LINE_PROPERTY
from .write_action import WrittenSlot, our_slots
from .write_keys import copy_keys, same_keys

_TRACK = "Mimesh {}"
_ACTIVE = "active"
_SAME = ("blend_type", "extrapolation", "use_auto_blend", "blend_in", "blend_out")


def is_layered(obj: bpy.types.Object, line: Line) -> bool:
    """Whether a line is in layers."""
    return any(found.line == line for found in layer_strips(obj))


def layer_line(obj: bpy.types.Object, line: KeptLine) -> tuple[str, ...]:
    """Put each part of a line on a track of its own; returns the parts. Raises :class:`RigError`."""
    require_editable(obj, find_armature(obj))
    if is_layered(obj, line.line):
        raise RigError(f'The line "{line.line.sound}" is in layers already.')
    masters = _masters(obj, line.line)
    for owner, slot in masters:
        if slot.action.library is not None:
            raise RigError(f'The action "{slot.action.name}" is linked, so it cannot be split.', "Make it local.")
        if owner.animation_data.use_tweak_mode:
            raise RigError(f'"{owner.name}" is being tweaked in the NLA editor.', "Leave tweak mode (Tab) first.")
    parts = PartNames(obj)
    made: dict[str, None] = {}
    for owner, slot in masters:
        track, strip = _as_strip(owner, slot)
        strip.mute = True
        _note_layered(slot.action)
        below = _base_strip(owner, track, strip)
        for part in PARTS:
            action = _part_action(slot, owner, part, parts)
            if action is not None:
                below = _part_strip(owner, below, strip, action, part)
                made[part] = None
    return tuple(made)


def unlayer_line(obj: bpy.types.Object, line: Line) -> None:
    """One line again, with every key of the artist's; influences of the layers are forgotten."""
    pull_edits(obj)
    for found in [found for found in layer_strips(obj) if found.line == line]:
        _remove(found)
    for owner, slot in _masters(obj, line):
        held = _strip_of(owner, slot.action)
        was_active = slot.action.get(LAYERED_PROPERTY) == _ACTIVE
        if LAYERED_PROPERTY in slot.action:
            del slot.action[LAYERED_PROPERTY]
        if held is None:
            continue
        track, strip = held
        strip.mute = False
        data = owner.animation_data
        if was_active and data.action is None:
            blend = strip.blend_type
            track.strips.remove(strip)
            if not len(track.strips):
                data.nla_tracks.remove(track)
            data.action_blend_type, data.action_influence, data.action_extrapolation = blend, 1.0, "NOTHING"
            data.action = slot.action
            compat.set_slot(data, slot.slot)


@contextmanager
def in_step_with_layers(obj: bpy.types.Object) -> Iterator[None]:
    """Around whatever writes to a face's lines: edited layers count, and show what was written."""
    pull_edits(obj)
    try:
        yield
    finally:
        refresh_layers(obj)


def pull_edits(obj: bpy.types.Object) -> None:
    """What the artist has changed in layers goes into the lines that they are of."""
    for found in layer_strips(obj):
        if found.part == REST:
            continue
        master = _master_of(found)
        if master is None:
            continue
        home = compat.slot_curves(master.action, master.slot)
        known = {(curve.data_path, curve.array_index): curve for curve in home.fcurves}
        present = {(curve.data_path, curve.array_index): curve for curve in compat.strip_curves(found.strip)}
        for name, curve in present.items():
            if name not in known:
                known[name] = compat.new_curve(home, *name, curve.group.name if curve.group else LABELS[found.part])
            if not same_keys(curve, known[name]):
                copy_keys(curve, known[name])
        for path, index in found.curves():
            if (path, index) not in present and (path, index) in known:
                home.fcurves.remove(known[path, index])


def refresh_layers(obj: bpy.types.Object) -> None:
    """Make the layers anew from their lines; those of a line that is gone go too."""
    layers = layer_strips(obj)
    if not layers:
        return
    parts = PartNames(obj, layers)
    for found in layers:
        master = _master_of(found)
        if master is None:
            _remove(found)
            continue
        track_strip = _as_strip(found.owner, master)
        track_strip[1].mute = True
        _note_layered(master.action)
        action = _rest_action(master, found.owner) if found.part == REST else None
        if found.part != REST:
            action = _part_action(master, found.owner, found.part, parts)
        if action is None:
            _remove(found)
        else:
            _exchange(found.strip, track_strip[1], action)


def _masters(obj: bpy.types.Object, line: Line) -> list[tuple[Any, WrittenSlot]]:
    found = []
    for owner in line_owners(obj):
        slot = next((slot for slot in our_slots(owner) if action_line(slot.action) == line), None)
        if slot is not None:
            found.append((owner, slot))
    return found


def _master_of(found: LayerStrip) -> WrittenSlot | None:
    return next((slot for slot in our_slots(found.owner) if action_line(slot.action) == found.line), None)


def _strip_of(owner: Any, action: Any) -> tuple[Any, Any] | None:
    for track in owner.animation_data.nla_tracks:
        for strip in track.strips:
            if strip.action == action:
                return track, strip
    return None


def _as_strip(owner: Any, slot: WrittenSlot) -> tuple[Any, Any]:
    """The line's strip; an active action becomes one, in a track of its own."""
    held = _strip_of(owner, slot.action)
    if held is not None:
        return held
    data = owner.animation_data
    first, last = slot.action.frame_range
    alone = not len(data.nla_tracks)
    data.action = None
    track = data.nla_tracks.new()
    track.name = "Mimesh"
    strip = track.strips.new(action_line(slot.action).sound or slot.action.name, int(first), slot.action)
    compat.set_slot(strip, slot.slot)
    place_strip(strip, (first, last), (first, last))
    strip.use_auto_blend = False
    strip.extrapolation = "HOLD" if alone else "NOTHING"
    slot.action[LAYERED_PROPERTY] = _ACTIVE
    return track, strip


def _note_layered(action: Any) -> None:
    """A line that was the active action is noted as such already, and becomes it again."""
    if LAYERED_PROPERTY not in action:
        action[LAYERED_PROPERTY] = True


def _rest_action(slot: WrittenSlot, owner: Any) -> Any:
    """The line's channels at rest for as long as it lasts: what a layer without influence shows."""
    action = bpy.data.actions.new("Mimesh Layers")
    home, _ = compat.curve_home(action, owner)
    rest = recorded(owner)["values"]
    first, last = slot.action.frame_range
    for curve in compat.slot_curves(slot.action, slot.slot).fcurves:
        path, index = curve.data_path, curve.array_index
        value = float(rest.get(f"{path}[{index}]", rest_value(path, index)))
        made = compat.new_curve(home, path, index, "Mimesh keys")
        for frame in (first, last):
            made.keyframe_points.insert(frame, value)
    return _tagged(action, slot.action, REST)


def _part_action(slot: WrittenSlot, owner: Any, part: str, parts: PartNames) -> Any | None:
    """A copy of the line's curves of one part; None where it has none."""
    curves = compat.slot_curves(slot.action, slot.slot).fcurves
    own = [(curve.data_path, curve.array_index) for curve in curves if parts.of(curve.data_path) == part]
    if not own:
        return None
    action = slot.action.copy()
    for name in [name for name in action.keys() if name != LINE_PROPERTY]:  # noqa: SIM118
        del action[name]
    copied = compat.copied_slot(action, slot.slot)
    if copied is not None:
        compat.remove_slots_but(action, [copied])
    home = compat.slot_curves(action, copied)
    wanted = set(own)
    for curve in [c for c in home.fcurves if (c.data_path, c.array_index) not in wanted]:
        home.fcurves.remove(curve)
    action[LAYER_CURVES_PROPERTY] = json.dumps(own)
    return _tagged(action, slot.action, part)


def _tagged(action: Any, master: Any, part: str) -> Any:
    action[LAYER_PROPERTY] = part
    action[LINE_PROPERTY] = str(master[LINE_PROPERTY])
    action.name = f"{master.name[:40]} {LABELS.get(part, 'Rest')}"
    return action


def _base_strip(owner: Any, track: Any, master: Any) -> Any:
    action = _rest_action(WrittenSlot(master.action, getattr(master, "action_slot", None)), owner)
    return _new_strip(owner, track, master, action, _TRACK.format("Rest"))


def _part_strip(owner: Any, below: Any, master: Any, action: Any, part: str) -> Any:
    return _new_strip(owner, below, master, action, _TRACK.format(LABELS[part]))


def _new_strip(owner: Any, below: Any, master: Any, action: Any, name: str) -> Any:
    track = owner.animation_data.nla_tracks.new(prev=below)
    track.name = name
    strip = track.strips.new(name, int(master.frame_start), action)
    _set_only_slot(strip, action)
    for field in _SAME:
        setattr(strip, field, getattr(master, field))
    _follow(strip, master)
    return track


def _exchange(strip: Any, master: Any, action: Any) -> None:
    """Another action for a layer, whose influence and whatever else was set of its strip stay."""
    old = strip.action
    moved = tuple(old.frame_range) != tuple(master.action.frame_range)
    strip.action = action
    _set_only_slot(strip, action)
    if old.users == 0:
        bpy.data.actions.remove(old)
    if moved or strip.frame_start != master.frame_start:
        _follow(strip, master)


def _follow(strip: Any, master: Any) -> None:
    played = (master.action_frame_start, master.action_frame_end)
    place_strip(strip, played, (master.frame_start, master.frame_end))


def _set_only_slot(strip: Any, action: Any) -> None:
    if compat.has_slots(action):
        compat.set_slot(strip, action.slots[0])


def _remove(found: LayerStrip) -> None:
    action = found.strip.action
    found.track.strips.remove(found.strip)
    if not len(found.track.strips):
        found.owner.animation_data.nla_tracks.remove(found.track)
    if action.users == 0:
        bpy.data.actions.remove(action)
