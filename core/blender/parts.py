# SPDX-License-Identifier: GPL-3.0-or-later
"""Teeth, tongue, lashes, eyes: meshes of their own that have the face's keys and go with it. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ..rig.conventions.base import RigConvention
from ..rig.conventions.controls import NamedControls
from ..rig.conventions.spelling import read_all
from ..rig.curves import key_path
from ..rig.description import FacePart
from .armature import find_armature

# how far beyond the face's own box its parts may lie, as a share of the box
_ROOM = 0.15


@dataclass(frozen=True, slots=True)
class Parts:
    """parts: meshes to key along; followers: names of meshes that the bones move; notes: for the artist."""

    parts: tuple[FacePart, ...] = ()
    followers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_parts(
    obj: bpy.types.Object, key_names: set[str], armature: bpy.types.Object | None, convention: RigConvention
) -> Parts:
    """The meshes of the same character, at the same place, that have some of the keys, in whatever spelling."""
    parts: list[FacePart] = []
    notes: list[str] = []
    for other in relatives(obj, armature):
        keys = other.data.shape_keys
        shared = shared_keys(key_names, keys, convention)
        if not shared:
            continue
        reason = _disabled_reason(obj, other)
        driven = _driven(keys)
        free = {name: own for name, own in shared.items() if key_path(own) not in driven}
        if reason:
            notes.append(reason)
        elif free:
            parts.append(FacePart(other.name, free))
        if not reason and len(free) < len(shared):
            notes.append(f'"{other.name}" has keys with drivers; those follow their drivers.')
    ordered = tuple(sorted(parts, key=lambda part: part.object_name))
    keyed = {part.object_name for part in parts}
    return Parts(ordered, tuple(n for n in _followers(obj, armature) if n not in keyed), tuple(notes))


def shared_keys(key_names: set[str], keys: Any, convention: RigConvention) -> dict[str, str]:
    """Names of the face's keys to those on another mesh, the same ones or such as say the same (``teeth.jawOpen``)."""
    names = [block.name for block in keys.key_blocks if block != keys.reference_key]
    shared = {name: name for name in names if name in key_names}
    if not isinstance(convention, NamedControls):
        return shared
    read = convention.speller.read
    of_face = {found.meaning: name for name in sorted(key_names) if (found := read(name)) is not None}
    spelt, _ = read_all(convention.speller, [name for name in names if name not in shared])
    for found in spelt:
        name = of_face.get(found.meaning)
        # one short word (A, Open) may be anything on a mesh that is not the face
        if name is not None and name not in shared and found.used > 1:
            shared[name] = found.name
    return shared


def relatives(
    obj: bpy.types.Object, armature: bpy.types.Object | None, around: bool = False
) -> list[bpy.types.Object]:
    """Other meshes with shape keys that belong to the same character and lie where ``obj``, the face, is.

    around: also those that ``obj`` lies in: a face has its middle far outside the box of one of its eyes.
    """
    scene = next((scene for scene in bpy.data.scenes if obj.name in scene.objects), None)
    if scene is None:
        return []
    # a script may just have moved something
    bpy.context.view_layer.update()
    found = []
    for other in scene.objects:
        if other == obj or other.type != "MESH" or other.data == obj.data or other.data.shape_keys is None:
            continue
        near = _at_the_face(obj, other) or (around and _at_the_face(other, obj))
        if near and _belong_together(obj, armature, other):
            found.append(other)
    return found


def _followers(obj: bpy.types.Object, armature: bpy.types.Object | None) -> list[str]:
    """Meshes at the face that hang on the armature, with or without weights."""
    scene = next((scene for scene in bpy.data.scenes if obj.name in scene.objects), None)
    if scene is None or armature is None:
        return []
    others = (other for other in scene.objects if other.type == "MESH" and other != obj)
    return sorted(other.name for other in others if find_armature(other) == armature and _at_the_face(obj, other))


def driven_by(obj: bpy.types.Object) -> frozenset[str]:
    """Paths of the mesh's shape keys that drivers control."""
    return _driven(obj.data.shape_keys)


def _belong_together(obj: bpy.types.Object, armature: bpy.types.Object | None, other: bpy.types.Object) -> bool:
    """By one armature; where neither has one by the object that both hang on, or by their collection."""
    others = find_armature(other)
    if armature is not None and others is not None:
        return armature == others
    top, top_of_other = _top(obj), _top(other)
    if top != obj or top_of_other != other:
        return top == top_of_other or (armature is not None and top_of_other == _top(armature))
    if armature is not None or others is not None:
        return False
    return bool({*obj.users_collection} & {*other.users_collection})


def _top(obj: bpy.types.Object) -> bpy.types.Object:
    while obj.parent is not None:
        obj = obj.parent
    return obj


def _at_the_face(obj: bpy.types.Object, other: bpy.types.Object) -> bool:
    """Whether the other mesh's middle lies in the face's box; a second character stands beside it."""
    low, high = _box(obj)
    room = _ROOM * (high - low).max()
    middle = np.mean(_box(other), axis=0)
    return bool(((middle > low - room) & (middle < high + room)).all())


def _box(obj: bpy.types.Object) -> tuple[Any, Any]:
    corners = np.array([obj.matrix_world @ Vector(corner) for corner in obj.bound_box])
    return corners.min(axis=0), corners.max(axis=0)


def _driven(keys: Any) -> frozenset[str]:
    data = keys.animation_data if keys is not None else None
    return frozenset(curve.data_path for curve in data.drivers) if data is not None else frozenset()


def _disabled_reason(obj: bpy.types.Object, other: bpy.types.Object) -> str:
    """Why a mesh that goes with the face cannot be keyed; empty when it can."""
    keys = other.data.shape_keys
    for block in (other, other.data, keys):
        if block.library is not None:
            return f'"{other.name}" has the keys of "{obj.name}" too, but is linked from a library and stays still.'
    if not keys.use_relative:
        return f'"{other.name}" has the keys of "{obj.name}" too, but they are absolute, so it stays still.'
    if other.mode == "EDIT":
        return f'"{other.name}" has the keys of "{obj.name}" too, but is in Edit Mode, so it stays still.'
    return ""
