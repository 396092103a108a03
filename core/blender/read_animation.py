# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what already animates a face rig, so that the plan can decide about it. Main thread only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import bpy
import numpy as np

from ..rig.curves import controls_of, part_keys
from ..rig.existing import (
    CurvePoints,
    ExistingAction,
    ExistingAnimation,
    ExistingDatablock,
    ExistingStrip,
    ExistingTrack,
    Line,
    fingerprint,
)
from . import compat
from .armature import find_armature
from .tags import (
    FINGERPRINT_PROPERTY,
    LAYERED_PROPERTY,
    LINE_PROPERTY,
    PROVENANCE_PROPERTY,
    REST_PROPERTY,
    WRITTEN_PROPERTY,
    is_layer,
    is_ours,
    our_actions,
    record,
)


def read_existing(obj: bpy.types.Object, parts: Sequence[str] = (), controls: Sequence[str] = ()) -> ExistingAnimation:
    """Actions, drivers and NLA state of the mesh's shape keys and armature, and of the named objects beside it.

    parts: meshes whose shape keys count. controls: objects that count themselves.
    """
    named = bpy.data.objects
    return ExistingAnimation(
        key=read_datablock(_keys(obj), marks=True),
        armature=read_datablock(find_armature(obj), marks=True),
        parts=(
            *((part_keys(name), read_datablock(_keys(named.get(name)), marks=True)) for name in parts),
            *((controls_of(name), read_datablock(named.get(name), marks=True)) for name in controls),
        ),
    )


def read_datablock(owner: Any | None, marks: bool = False) -> ExistingDatablock:
    """All animation of one datablock. marks: keys of which the artist has changed the type alone count as edited too,
    which takes three times as long."""
    data = owner.animation_data if owner is not None else None
    if data is None:
        return ExistingDatablock()
    return ExistingDatablock(
        action=_read_action(data.action, compat.owner_curves(owner), None, marks) if data.action is not None else None,
        driven=frozenset(curve.data_path for curve in data.drivers),
        tweaking=bool(data.use_tweak_mode),
        solo=next((track.name for track in data.nla_tracks if track.is_solo), ""),
        tracks=tuple(_read_track(track, marks) for track in data.nla_tracks),
        replaces=data.action_blend_type == "REPLACE" and data.action_influence > 0,
        nla_off=not data.use_nla,
    )


def line_curves(owner: Any | None, sound: str, face: str) -> tuple[CurvePoints, ...]:
    """The curves of one of our lines on a datablock; the newest one where no line was made for that sound."""
    data = owner.animation_data if owner is not None else None
    if data is None:
        return ()
    sources = [(data.action, compat.owner_curves(owner))] if is_ours(data.action) else []
    strips = [strip for track in reversed(list(data.nla_tracks)) for strip in track.strips if plays(strip)]
    sources += [(strip.action, compat.strip_curves(strip)) for strip in strips if is_ours(strip.action)]
    sources = [source for source in sources if action_line(source[0]).face in ("", face)]
    fitting = [source for source in sources if action_line(source[0]).sound == sound] or sources
    return tuple(curve_points(curve) for curve in fitting[0][1]) if fitting else ()


def read_provenance(obj: bpy.types.Object, sound: str = "") -> dict[str, Any] | None:
    """What a line on the face was made from, the newest where none is for that sound; None where there is none."""
    actions = [action for owner in line_owners(obj) for action in our_actions(owner)]
    actions = [action for action in actions if action_line(action).face in ("", obj.name)]
    if not actions:
        return None
    chosen = next((action for action in actions if sound and action_line(action).sound == sound), actions[0])
    found: dict[str, Any] = json.loads(chosen[PROVENANCE_PROPERTY])
    return found


def curve_points(curve: bpy.types.FCurve) -> CurvePoints:
    """Frames and values of one F-curve."""
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return CurvePoints(curve.data_path, curve.array_index, points.reshape(-1, 2))


def line_owners(obj: bpy.types.Object) -> Iterator[Any]:
    """Every datablock with a line for this face; earlier versions wrote no face, and only keys and armature."""
    keys, armature = _keys(obj), find_armature(obj)
    yield from (owner for owner in (keys, armature) if owner is not None)
    for other in (*bpy.data.shape_keys, *(o for o in bpy.data.objects if o.animation_data is not None)):
        if other not in (keys, armature) and any(action_line(a).face == obj.name for a in our_actions(other)):
            yield other


def _keys(obj: bpy.types.Object | None) -> Any | None:
    return obj.data.shape_keys if obj is not None and obj.data is not None else None


def action_line(action: Any) -> Line:
    """The speech and the face that one of our actions was made for; empty before this was noted."""
    noted = record(action, LINE_PROPERTY)
    return Line(str(noted.get("sound", "")), str(noted.get("face", "")))


def plays(strip: Any) -> bool:
    """Whether an NLA strip counts: its layers play for a line that is in layers."""
    return not strip.mute or (strip.action is not None and LAYERED_PROPERTY in strip.action)


def _read_track(track: Any, marks: bool) -> ExistingTrack:
    # a track of rest alone is no animation, and a layer is its line's
    shown = (s for s in track.strips if s.action is not None and REST_PROPERTY not in s.action)
    strips = tuple(_read_strip(s, marks) for s in shown if not is_layer(s.action))
    return ExistingTrack(track.name, strips, bool(track.mute))


def _read_strip(strip: Any, marks: bool) -> ExistingStrip:
    first, last = float(strip.frame_start), float(strip.frame_end)
    action = _read_action(strip.action, compat.strip_curves(strip), (first, last), marks)
    return ExistingStrip(
        action=action,
        first=first,
        last=last,
        replaces=strip.blend_type == "REPLACE",
        muted=not plays(strip),
        holds=strip.extrapolation != "NOTHING",
    )


def _read_action(action: Any, curves: list[Any], span: tuple[float, float] | None, marks: bool) -> ExistingAction:
    tagged = is_ours(action)
    edited = tagged and not _is_untouched(action, curves)
    if tagged and marks and not edited and WRITTEN_PROPERTY in action:
        edited = any(map(_is_marked, curves))
    first, last = span or tuple(map(float, action.frame_range))
    paths = frozenset(curve.data_path for curve in curves)
    line = action_line(action) if tagged else Line()
    return ExistingAction(
        action.name, tagged and not edited, edited, paths, first, last, line, noted=WRITTEN_PROPERTY in action
    )


def _is_marked(curve: Any) -> bool:
    """Whether the curve is not as we make them, or a key has another type or other handles than we give."""
    if curve.mute or curve.lock or len(curve.modifiers) or curve.extrapolation != "CONSTANT":
        return True
    points = curve.keyframe_points
    codes = np.empty(len(points), np.int32)
    for name, ours in (
        ("type", "GENERATED"),
        ("handle_left_type", "AUTO_CLAMPED"),
        ("handle_right_type", "AUTO_CLAMPED"),
    ):
        points.foreach_get(name, codes)
        if (codes != compat.key_code(name, ours)).any():
            return True
    return False


def _is_untouched(action: Any, curves: list[Any]) -> bool:
    """Whether the curves of one datablock are as we wrote them; earlier versions noted one sum for the action."""
    noted = record(action, FINGERPRINT_PROPERTY)
    if noted:
        return fingerprint(map(curve_points, curves)) in noted.values()
    return bool(action.get(FINGERPRINT_PROPERTY) == fingerprint(map(curve_points, compat.action_curves(action))))
