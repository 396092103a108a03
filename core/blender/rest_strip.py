# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip of rest below a line, for Blenders whose NLA takes a shape key that nothing animates for fully on (5.0).

There the default value of a shape key is one, and outside a line the NLA would show every key of ours at it. So the
keys that nothing below animates get a strip of zeros that holds for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

from . import compat
from .before import recorded_value
from .tags import REST_PROPERTY

Undo = Callable[[], None]


def needs_rest(owner: Any) -> bool:
    """Whether this Blender shows a shape key at something else than zero where no strip plays."""
    default = bpy.types.ShapeKey.bl_rna.properties["value"].default  # type: ignore[attr-defined]
    return isinstance(owner, bpy.types.Key) and default != 0.0


def add_rest_track(owner: Any, paths: frozenset[str], below: Any | None, undo: list[Undo]) -> Any:
    """A track above ``below`` (or on top) with the strip; returns the track."""
    data = owner.animation_data
    action = bpy.data.actions.new("Mimesh Rest")
    undo.append(lambda: bpy.data.actions.remove(action))
    home, slot = compat.curve_home(action, owner)
    for path in sorted(paths):
        compat.new_curve(home, path, 0, "Mimesh keys").keyframe_points.insert(1.0, recorded_value(owner, path))
    action[REST_PROPERTY] = True
    track = data.nla_tracks.new(prev=below) if below is not None else data.nla_tracks.new()
    undo.append(lambda: data.nla_tracks.remove(track))
    track.name = "Mimesh Rest"
    strip = track.strips.new("Rest", 1, action)
    compat.set_slot(strip, slot)
    strip.extrapolation = "HOLD"
    return track


def remove_rest_tracks(owner: Any) -> None:
    """Take them away, when there is no line any more."""
    data = owner.animation_data
    for track in list(data.nla_tracks):
        actions = [strip.action for strip in track.strips if is_rest(strip.action)]
        if actions:
            data.nla_tracks.remove(track)
        for action in actions:
            if action.users == 0:
                bpy.data.actions.remove(action)


def is_rest(action: Any) -> bool:
    """Whether the action is such a strip's."""
    return action is not None and REST_PROPERTY in action
