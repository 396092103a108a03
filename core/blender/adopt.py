# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a face that has another name than when they were made: it was renamed, or it is a copy of that face.

A line notes its face by name, since one armature may hold the lines of several faces. Main thread only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bpy

from .armature import find_armature
from .read_animation import action_line
from .tags import LINE_PROPERTY, our_actions, record


def stray_actions(obj: bpy.types.Object) -> list[Any]:
    """Actions of ours that play on this face and say the name of one that they do not play on."""
    keys = obj.data.shape_keys if obj.type == "MESH" else None
    return [action for action in our_actions(keys) if _is_foreign(action, obj) and _left_by(action, keys)]


def adopt_lines(obj: bpy.types.Object) -> int:
    """Let the lines that play on this face say its name; returns how many actions did not."""
    strays = stray_actions(obj)
    names = {action_line(action).face for action in strays}
    along = [a for name in names for owner in _owners_beside(obj, name) for a in our_actions(owner)]
    found = dict.fromkeys([*strays, *(a for a in along if action_line(a).face in names)])
    for action in found:
        if action.library is None:
            action[LINE_PROPERTY] = json.dumps(record(action, LINE_PROPERTY) | {"face": obj.name})
    return len(found)


def _is_foreign(action: Any, obj: bpy.types.Object) -> bool:
    return action_line(action).face not in ("", obj.name)


def _left_by(action: Any, keys: Any) -> bool:
    """Whether the face of that name is gone, or plays something else."""
    other = bpy.data.objects.get(action_line(action).face)
    theirs = other.data.shape_keys if other is not None and other.type == "MESH" else None
    return theirs is None or (theirs != keys and action not in list(our_actions(theirs)))


def _owners_beside(obj: bpy.types.Object, name: str) -> Iterator[Any]:
    """Whose actions go with the face's: its own armature's, and where it was renamed everything that it moved."""
    other = bpy.data.objects.get(name)
    if other is None:
        yield from bpy.data.shape_keys
        yield from (owner for owner in bpy.data.objects if owner.animation_data is not None)
        return
    armature = find_armature(obj)
    if armature == find_armature(other):
        # it may hold the other face's lines, and so may what hangs on it
        armature = None
    else:
        yield armature
    for item in bpy.data.objects:
        if item.type == "MESH" and (item.parent == obj or (armature is not None and find_armature(item) == armature)):
            yield item.data.shape_keys
