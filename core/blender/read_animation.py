# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what already animates a face rig, so that the plan can decide about it. Main thread only."""

from __future__ import annotations

import json
from typing import Any

import bpy
import numpy as np

from ..rig.existing import CurvePoints, ExistingAction, ExistingAnimation, ExistingDatablock, fingerprint
from . import compat

# custom properties on the actions that we made: provenance as JSON, and a checksum of what we wrote
PROVENANCE_PROPERTY = "mimesh"
FINGERPRINT_PROPERTY = "mimesh_fingerprint"


def read_existing(obj: bpy.types.Object) -> ExistingAnimation:
    """Actions, drivers and NLA state of the mesh's shape keys and of its armature."""
    keys = obj.data.shape_keys if obj.data is not None else None
    return ExistingAnimation(key=_read_datablock(keys), armature=_read_datablock(find_armature(obj)))


def find_armature(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The object of the Armature modifier, else an armature parent."""
    modifier: Any
    for modifier in obj.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            return modifier.object
    parent = obj.parent
    return parent if parent is not None and parent.type == "ARMATURE" else None


def read_key_curves(obj: bpy.types.Object) -> tuple[CurvePoints, ...]:
    """Every F-curve that animates the mesh's shape keys through their active action."""
    keys = obj.data.shape_keys if obj.data is not None else None
    return tuple(curve_points(curve) for curve in compat.owner_curves(keys)) if keys is not None else ()


def read_bone_curves(obj: bpy.types.Object) -> tuple[CurvePoints, ...]:
    """Every F-curve that animates the mesh's armature through its active action."""
    armature = find_armature(obj)
    return tuple(curve_points(curve) for curve in compat.owner_curves(armature)) if armature is not None else ()


def read_provenance(obj: bpy.types.Object) -> dict[str, Any] | None:
    """What the present animation of the mesh was made from; None when Mimesh did not make it."""
    keys = obj.data.shape_keys if obj.data is not None else None
    for owner in (keys, find_armature(obj)):
        data = owner.animation_data if owner is not None else None
        if data is not None and data.action is not None and PROVENANCE_PROPERTY in data.action:
            found: dict[str, Any] = json.loads(data.action[PROVENANCE_PROPERTY])
            return found
    return None


def curve_points(curve: bpy.types.FCurve) -> CurvePoints:
    """Frames and values of one F-curve."""
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return CurvePoints(curve.data_path, curve.array_index, points.reshape(-1, 2))


def _read_datablock(owner: Any | None) -> ExistingDatablock:
    data = owner.animation_data if owner is not None else None
    if data is None:
        return ExistingDatablock()
    return ExistingDatablock(
        action=_read_action(owner, data.action) if data.action is not None else None,
        driven=frozenset(curve.data_path for curve in data.drivers),
        tweaking=bool(data.use_tweak_mode),
        solo=next((track.name for track in data.nla_tracks if track.is_solo), ""),
    )


def _read_action(owner: Any, action: bpy.types.Action) -> ExistingAction:
    tagged = PROVENANCE_PROPERTY in action
    edited = tagged and action.get(FINGERPRINT_PROPERTY) != _fingerprint_of(action)
    paths = frozenset(curve.data_path for curve in compat.owner_curves(owner))
    return ExistingAction(action.name, ours=tagged and not edited, edited=edited, paths=paths)


def _fingerprint_of(action: bpy.types.Action) -> str:
    return fingerprint(curve_points(curve) for curve in compat.action_curves(action))
