# SPDX-License-Identifier: GPL-3.0-or-later
"""From the names that a plan has for datablocks to what Blender animates. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ..rig.curves import ARMATURE, KEY, control_object, part_object
from .armature import find_armature


def owner_of(datablock: str, obj: bpy.types.Object) -> Any:
    """What holds the animation of one of the plan's datablocks for the face ``obj``. Raises KeyError if it is gone."""
    if datablock == KEY:
        return obj.data.shape_keys
    if datablock == ARMATURE:
        return find_armature(obj)
    if (name := control_object(datablock)) is not None:
        return bpy.data.objects[name]
    return bpy.data.objects[part_object(datablock) or ""].data.shape_keys
