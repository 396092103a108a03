# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes Mimesh's own actions off a face again and puts what they moved back to rest. Main thread only."""

from __future__ import annotations

import re
from typing import Any

import bpy

from . import compat
from .read_animation import PROVENANCE_PROPERTY, find_armature
from .read_rig import require_mesh

_KEY_PATH = re.compile(r'key_blocks\["(.+)"\]\.value$')
_BONE_PATH = re.compile(r'pose\.bones\["(.+)"\]\.rotation_\w+$')


def clear_animation(obj: bpy.types.Object) -> tuple[str, ...]:
    """Remove the tagged actions of the mesh's keys and its armature; returns their names. Others stay."""
    owners = (require_mesh(obj).data.shape_keys, find_armature(obj))
    return tuple(name for owner in owners if owner is not None for name in _clear(owner))


def _clear(owner: Any) -> list[str]:
    data = owner.animation_data
    action = data.action if data is not None else None
    if action is None or PROVENANCE_PROPERTY not in action:
        return []
    paths = {curve.data_path for curve in compat.owner_curves(owner)}
    name = action.name
    data.action = None
    # an NLA strip or a fake user keeps it for the artist
    if action.users == 0:
        bpy.data.actions.remove(action)
    for path in paths:
        _rest(owner, path)
    owner.update_tag()
    return [name]


def _rest(owner: Any, path: str) -> None:
    """Without its curve a channel would keep the value of the last frame shown."""
    if key := _KEY_PATH.match(path):
        block = owner.key_blocks.get(_unquoted(key[1]))
        if block is not None:
            block.value = 0.0
    elif bone := _BONE_PATH.match(path):
        pose_bone = owner.pose.bones.get(_unquoted(bone[1]))
        if pose_bone is not None:
            pose_bone.rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
            pose_bone.rotation_euler = (0.0, 0.0, 0.0)
            pose_bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)


def _unquoted(name: str) -> str:
    return name.replace('\\"', '"').replace("\\\\", "\\")
