# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a written action where a ``Layer`` says: as the active one or on the NLA. Main thread only.

Every step leaves an undo behind; what cannot be undone (dropping a strip) is handed back to be done at the very end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..rig.layers import Layer
from . import compat
from .nla import place_strip
from .rest_strip import add_rest_track, needs_rest
from .write_action import WrittenSlot

Undo = Callable[[], None]
_TRACK = "Mimesh"
_STRIP_FIELDS = ("action_frame_start", "action_frame_end", "frame_start", "frame_end", "blend_in", "blend_out", "mute")


def place_layer(owner: Any, layer: Layer, written: WrittenSlot, name: str, undo: list[Undo]) -> list[Undo]:
    """Put the action in its place; returns what is left to do once all went well. name: of a new strip."""
    had_data = owner.animation_data is not None
    data = owner.animation_data or owner.animation_data_create()
    undo.append(_assignment_restorer(owner, had_data))
    tracks = list(data.nla_tracks)
    mutes = [tracks[place.track].strips[place.strip] for place in layer.mutes]
    drops = [(tracks[place.track], tracks[place.track].strips[place.strip]) for place in layer.drops]
    swap = tracks[layer.swap.track].strips[layer.swap.strip] if layer.swap is not None else None
    # what goes in the end is silent from now on
    for strip in (*mutes, *(strip for _, strip in drops)):
        undo.append(_strip_restorer(strip))
        strip.mute = True
    if layer.pushes:
        _push_down(data, layer, compat.active_slot(owner), undo)
    if layer.retires or layer.pushes:
        data.action = None
    if layer.place == "active":
        _activate(data, written)
    elif swap is not None:
        undo.append(_strip_restorer(swap))
        _fill(swap, written, layer)
    else:
        _new_strip(owner, tracks, layer, written, name, undo)
    return [partial(_drop, data, track, strip) for track, strip in drops]


def _activate(data: Any, written: WrittenSlot) -> None:
    data.action_blend_type, data.action_influence = "REPLACE", 1.0
    # beside NLA tracks the action then counts in its own frames only
    data.action_extrapolation = "NOTHING"
    data.action = written.action
    compat.set_slot(data, written.slot)


def _new_strip(owner: Any, tracks: list[Any], layer: Layer, written: WrittenSlot, name: str, undo: list[Undo]) -> None:
    data = owner.animation_data
    if layer.track is not None:
        track = tracks[layer.track]
    else:
        below = tracks[layer.above] if 0 <= layer.above < len(tracks) else None
        if layer.uncovered and needs_rest(owner):
            below = add_rest_track(owner, layer.uncovered, below, undo)
        track = data.nla_tracks.new(prev=below) if below is not None else data.nla_tracks.new()
        track.name = _TRACK
        undo.append(lambda: data.nla_tracks.remove(track))
    strip = track.strips.new(name, int(written.action.frame_range[0]), written.action)
    if layer.track is not None:
        undo.append(lambda: track.strips.remove(strip))
    _fill(strip, written, layer)


def _fill(strip: Any, written: WrittenSlot, layer: Layer) -> None:
    """Let the strip play the whole action at its own frames, however it was trimmed, moved or scaled before."""
    whole = tuple(written.action.frame_range)
    strip.action = written.action
    compat.set_slot(strip, written.slot)
    strip.repeat = 1.0
    place_strip(strip, whole, whole)
    strip.extrapolation = "HOLD" if layer.holds else "NOTHING"
    strip.use_auto_blend = False
    if layer.adds:
        # shape keys add up; rotations follow each other, which for Blender is to combine
        strip.blend_type = "ADD" if strip.id_data.id_type == "KEY" else "COMBINE"
    strip.blend_in = strip.blend_out = float(layer.blends)


def _push_down(data: Any, layer: Layer, slot: Any | None, undo: list[Undo]) -> None:
    """The active action on a track of its own, playing as before; an old version of this line is muted there."""
    action = data.action
    track = data.nla_tracks.new()
    undo.append(lambda: data.nla_tracks.remove(track))
    ours = layer.pushed_ours
    track.name = _TRACK if ours else action.name
    first = action.frame_range[0]
    strip = track.strips.new(action.name, int(first), action)
    compat.set_slot(strip, slot)
    strip.blend_type, strip.influence = data.action_blend_type, data.action_influence
    strip.extrapolation = data.action_extrapolation
    if ours:
        strip.extrapolation = "HOLD" if layer.pushed_holds else "NOTHING"
    strip.frame_start_ui = first
    strip.mute = layer.mutes_pushed


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


def _strip_restorer(strip: Any) -> Undo:
    action, slot, extrapolation = strip.action, getattr(strip, "action_slot", None), strip.extrapolation
    values = {name: getattr(strip, name) for name in (*_STRIP_FIELDS, "repeat", "scale", "use_auto_blend")}

    def restore() -> None:
        strip.action = action
        compat.set_slot(strip, slot)
        for name in ("repeat", *_STRIP_FIELDS, "frame_start", "frame_end", "scale", "use_auto_blend"):
            setattr(strip, name, values[name])
        strip.extrapolation = extrapolation

    return restore


def _drop(data: Any, track: Any, strip: Any) -> None:
    track.strips.remove(strip)
    if not len(track.strips):
        data.nla_tracks.remove(track)
