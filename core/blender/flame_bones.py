# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME's chain of bones for a head that we add ourselves."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

_BONE_LENGTH_METRES = 0.01


def add_flame_bones(
    scene: bpy.types.Scene, name: str, bones: Sequence[str], parents: Sequence[str], joints: NDArray[np.float32]
) -> bpy.types.Object:
    """An armature in the scene whose bones begin at ``joints`` (B, 3), in metres. parents: "" for the root.

    Every bone points up with zero roll, so that its own axes are FLAME's axes.
    """
    rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(rig)
    view_layer = scene.view_layers[0]
    view_layer.objects.active = rig
    with bpy.context.temp_override(scene=scene, view_layer=view_layer, object=rig, active_object=rig):
        bpy.ops.object.mode_set(mode="EDIT")
        for bone_name, joint in zip(bones, joints, strict=True):
            bone = rig.data.edit_bones.new(bone_name)
            bone.head = Vector(joint.tolist())
            bone.tail = bone.head + Vector((0.0, 0.0, _BONE_LENGTH_METRES))
            bone.roll = 0.0
        for bone_name, parent in zip(bones, parents, strict=True):
            rig.data.edit_bones[bone_name].parent = rig.data.edit_bones[parent] if parent else None
        bpy.ops.object.mode_set(mode="OBJECT")
    return rig
