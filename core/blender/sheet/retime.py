# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a line's keys along with its strip: the same keys, the artist's too, some frames later. No engine needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from ...direct.kept_motion import KeptMotion
from ...errors import RigError
from ...exchange.sheet import Made
from ...rig.existing import fingerprint
from .. import compat
from ..layers import pull_edits, refresh_layers
from ..nla import place_strip
from ..read_animation import action_line, curve_points, line_owners
from ..tags import FINGERPRINT_PROPERTY, KEPT_PROPERTY, LINE_PROPERTY, MADE_PROPERTY, is_ours, record, store_bytes
from ..takes import shift_takes
from ..write_action import shift_written

_STRIP_FIELDS = ("blend_type", "influence", "blend_in", "blend_out", "mute", "use_auto_blend", "extrapolation")
_CLOSE = 0.01


def note_made(names: tuple[str, ...], made: Made) -> None:
    """Keep with actions of ours what they were made from."""
    for name in names:
        bpy.data.actions[name][MADE_PROPERTY] = json.dumps(made.to_json())


def move_line(face: bpy.types.Object, sound: str, frames: int) -> int:
    """Shift the line's keys by whole frames; returns how many actions there were. Raises :class:`RigError`.

    Strips on the NLA go along; one that would run into another takes a track of its own above.
    """
    owners = [(owner, list(_actions(owner, face.name, sound))) for owner in line_owners(face)]
    actions = {action.name: action for _, found in owners for action in found}
    for owner, found in owners:
        if found and owner.animation_data.use_tweak_mode:
            raise RigError(f'"{owner.name}" is being tweaked in the NLA editor.', "Leave tweak mode (Tab) first.")
    for action in actions.values():
        if action.library is not None:
            raise RigError(f'The action "{action.name}" is linked, so its keys cannot move.', "Make it local.")
    pull_edits(face)
    prints = {name: _untouched(action) for name, action in actions.items()}
    for action in actions.values():
        _shift_keys(action, frames)
    for name, action in actions.items():
        note_shift(action, prints[name], frames)
        _note_place(action, frames)
    for owner, found in owners:
        _shift_strips(owner, found, frames)
    shift_takes(face, sound, frames)
    refresh_layers(face)
    return len(actions)


def _actions(owner: Any, face: str, sound: str) -> Iterator[Any]:
    data = owner.animation_data
    if data is None:
        return
    strips = [strip.action for track in data.nla_tracks for strip in track.strips]
    for action in dict.fromkeys([data.action, *strips]):
        if is_ours(action):
            line = action_line(action)
            if line.sound == sound and line.face in ("", face):
                yield action


def _shift_keys(action: Any, frames: int) -> None:
    for curve in compat.action_curves(action):
        points = curve.keyframe_points
        for name in ("co", "handle_left", "handle_right"):
            values = np.empty(2 * len(points), np.float32)
            points.foreach_get(name, values)
            values[0::2] += frames
            points.foreach_set(name, values)
        curve.update()
    if action.use_frame_range:
        action.frame_start, action.frame_end = action.frame_start + frames, action.frame_end + frames


def _untouched(action: Any) -> dict[str, list[Any]]:
    """The curves of every datablock whose keys are as we wrote them, by the datablock's name in our note."""
    noted = {str(value): name for name, value in record(action, FINGERPRINT_PROPERTY).items()}
    found = {}
    for curves in compat.curves_by_slot(action):
        name = noted.get(fingerprint(map(curve_points, curves)))
        if name is not None:
            found[name] = curves
    return found


def note_shift(action: Any, untouched: dict[str, list[Any]], frames: int) -> None:
    """Note that an action's keys have moved. untouched: curves that are as we wrote them, by their datablock."""
    prints = record(action, FINGERPRINT_PROPERTY)
    prints |= {name: fingerprint(map(curve_points, curves)) for name, curves in untouched.items()}
    action[FINGERPRINT_PROPERTY] = json.dumps(prints)
    shift_written(action, frames)
    line = record(action, LINE_PROPERTY)
    line |= {name: float(line[name]) + frames for name in ("first", "last") if name in line}
    action[LINE_PROPERTY] = json.dumps(line)
    if KEPT_PROPERTY in action:
        kept = KeptMotion.unpack(bytes(action[KEPT_PROPERTY]))
        store_bytes(action, KEPT_PROPERTY, kept.shifted(frames).pack())


def _note_place(action: Any, frames: int) -> None:
    """Note where the strip is now that the keys go with."""
    if made := Made.from_json(record(action, MADE_PROPERTY)):
        moved = Made(made.sound, made.settings, made.rig, made.first_frame + frames)
        action[MADE_PROPERTY] = json.dumps(moved.to_json())


def _shift_strips(owner: Any, actions: list[Any], frames: int) -> None:
    data = owner.animation_data
    if data is None:
        return
    for track in list(data.nla_tracks):
        for strip in [strip for strip in track.strips if strip.action in actions]:
            _shift_strip(data, track, strip, frames)


def _shift_strip(data: Any, track: Any, strip: Any, frames: int) -> None:
    first, last = strip.frame_start + frames, strip.frame_end + frames
    played = (strip.action_frame_start + frames, strip.action_frame_end + frames)
    others = [(s.frame_start, s.frame_end) for s in track.strips if s != strip]
    passes = any(min(strip.frame_start, first) < end and start < max(strip.frame_end, last) for start, end in others)
    if passes:
        strip = _on_a_track_above(data, track, strip, first)
    place_strip(strip, played, (first, last))
    if abs(strip.frame_start - first) > _CLOSE or abs(strip.frame_end - last) > _CLOSE:
        raise RigError(f'Blender does not let the NLA strip "{strip.name}" move to frame {first:g}.', "Make room.")


def _on_a_track_above(data: Any, track: Any, strip: Any, first: float) -> Any:
    above = data.nla_tracks.new(prev=track)
    above.name = track.name
    new = above.strips.new(strip.name, int(first), strip.action)
    compat.set_slot(new, getattr(strip, "action_slot", None))
    new.action_frame_end = max(strip.action_frame_end, new.action_frame_end)
    new.action_frame_start, new.action_frame_end = strip.action_frame_start, strip.action_frame_end
    new.repeat, new.scale = strip.repeat, strip.scale
    for name in _STRIP_FIELDS:
        setattr(new, name, getattr(strip, name))
    track.strips.remove(strip)
    return new
