# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes Mimesh's own lines off a face again and puts what they moved back to where it was. Main thread only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from ..rig.existing import Line
from . import compat
from .before import put_back, recorded
from .kept import kept_lines
from .layers import pull_edits
from .read_animation import action_line, line_owners, read_datablock
from .read_rig import require_mesh
from .rest_strip import remove_rest_tracks
from .tags import is_layer, is_ours, our_actions
from .takes import forget_takes, open_retake


@dataclass(frozen=True, slots=True)
class Cleared:
    """Names of the actions that went, and of those that stay because the artist has edited them."""

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def clear_animation(obj: bpy.types.Object, edited_too: bool = False) -> Cleared:
    """Remove our lines from the mesh's keys, its armature and the meshes keyed along. Others' actions stay.

    An action that the artist has edited stays too, unless ``edited_too``.
    """
    owners = list(line_owners(require_mesh(obj)))
    pull_edits(obj)
    edited = {name for owner in owners for name in _edited(owner, obj.name)}
    removed: dict[str, None] = {}
    for owner in owners:
        removed |= dict.fromkeys(_clear(owner, obj.name, set() if edited_too else edited))
    for name in removed:
        action = bpy.data.actions.get(name)
        # an artist's strip or a fake user keeps it
        if action is not None and action.users == 0:
            bpy.data.actions.remove(action)
    retake = open_retake(obj)
    if retake is not None and all(line.line.sound != retake.sound for line in kept_lines(obj)):
        forget_takes(obj)
    return Cleared(tuple(removed), () if edited_too else tuple(sorted(edited)))


def clear_lines(obj: bpy.types.Object, wanted: Callable[[Line], bool]) -> tuple[str, ...]:
    """Remove some of our lines alone, edited or not; returns the names of their actions."""
    removed: dict[str, None] = {}
    for owner in list(line_owners(require_mesh(obj))):
        keep = {action.name for action in our_actions(owner) if not wanted(action_line(action))}
        removed |= dict.fromkeys(_clear(owner, obj.name, keep))
    for name in removed:
        action = bpy.data.actions.get(name)
        if action is not None and action.users == 0:
            bpy.data.actions.remove(action)
    return tuple(removed)


def _edited(owner: Any, face: str) -> set[str]:
    return {a.name for a in read_datablock(owner).lines() if a.edited and a.line.face in ("", face)}


def _clear(owner: Any, face: str, keep: set[str]) -> list[str]:
    data = owner.animation_data
    if data is None:
        return []
    before = recorded(owner)
    gone: dict[str, None] = {}
    paths: set[str] = set()

    kept = {action_line(bpy.data.actions[name]) for name in keep}

    def goes(action: Any) -> bool:
        if is_layer(action):
            return action_line(action).face in ("", face) and action_line(action) not in kept
        return is_ours(action) and action_line(action).face in ("", face) and action.name not in keep

    if goes(data.action):
        gone[data.action.name] = None
        paths |= {curve.data_path for curve in compat.owner_curves(owner)}
        data.action = None
    for track in list(data.nla_tracks):
        for strip in [strip for strip in track.strips if goes(strip.action)]:
            gone[strip.action.name] = None
            paths |= {curve.data_path for curve in compat.strip_curves(strip)}
            track.strips.remove(strip)
        if gone and not len(track.strips):
            data.nla_tracks.remove(track)
    if gone and next(our_actions(owner), None) is None:
        remove_rest_tracks(owner)
    if gone:
        put_back(owner, before, paths, animated_paths(owner))
    return list(gone)


def animated_paths(owner: Any) -> frozenset[str]:
    """Paths that something else still animates."""
    block = read_datablock(owner)
    actions = [strip.action for track in block.tracks for strip in track.strips]
    if block.action is not None:
        actions.append(block.action)
    return frozenset().union(*(action.paths for action in actions))
