# SPDX-License-Identifier: GPL-3.0-or-later
"""What would hide the result although it is there, in one sentence each, before the run. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..rig.names import FaceBones
from .armature import find_armature

# constraints that can turn a bone otherwise than its keys say
_TURNING = {
    *("COPY_ROTATION", "COPY_TRANSFORMS", "LIMIT_ROTATION", "TRACK_TO", "DAMPED_TRACK", "LOCKED_TRACK", "STRETCH_TO"),
    *("CHILD_OF", "ARMATURE", "TRANSFORM", "ACTION", "IK", "SPLINE_IK", "PIVOT", "TRANSFORM_CACHE"),
}
_MOVED_METRES = 1e-4
_LEAST_SCALE = 1e-12
# modifiers that put a mesh where a file has it, whatever its keys say
_CACHES = ("MESH_CACHE", "MESH_SEQUENCE_CACHE")


def find_hindrances(
    obj: bpy.types.Object, blocks: list[Any], armature: bpy.types.Object | None, bones: FaceBones
) -> tuple[str, ...]:
    """Of the object, its keys, its modifiers, its armature and the scene."""
    found = [*_of_object(obj), *_of_keys(obj, blocks), *_of_caches(obj)]
    if armature is not None:
        found += [*_of_modifier(obj, armature), *_of_armature(obj, armature, bones)]
    return tuple(found)


def _of_object(obj: bpy.types.Object) -> list[str]:
    found = []
    scenes = [scene for scene in bpy.data.scenes if obj.name in scene.objects]
    layer = bpy.context.view_layer
    if scenes and layer is not None and obj.name in bpy.context.scene.objects and obj.name not in layer.objects:
        found.append(f'"{obj.name}" lies in a collection that is excluded from the view layer; include it to see it.')
    elif obj.hide_get() or obj.hide_viewport or not obj.visible_get():
        found.append(f'"{obj.name}" is hidden; show it to see the result.')
    if obj.hide_render:
        found.append(f'"{obj.name}" is switched off for rendering.')
    axes = np.array(obj.matrix_world)[:3, :3]
    if np.linalg.norm(axes, axis=0).min() < _LEAST_SCALE:
        found.append(f'"{obj.name}" is scaled to nothing; set its scale to 1 to see the result.')
    elif np.linalg.det(axes) < 0:
        found.append(f'"{obj.name}" is mirrored (a negative scale), so left and right of the face are changed over.')
    return found


def _of_keys(obj: bpy.types.Object, blocks: list[Any]) -> list[str]:
    found, keys = [], obj.data.shape_keys
    muted = [block.name for block in blocks if block.mute]
    if muted:
        count = "1 expression key" if len(muted) == 1 else f"{len(muted)} expression keys"
        found.append(f'{count} of "{obj.name}" {"is" if len(muted) == 1 else "are"} muted (first: {muted[0]}).')
    if obj.show_only_shape_key and obj.active_shape_key != keys.reference_key:
        found.append(f'"{obj.name}" shows only its active shape key; switch that pin off to see the result.')
    return found


def _of_caches(obj: bpy.types.Object) -> list[str]:
    modifiers: list[Any] = list(obj.modifiers)
    on = [m for m in modifiers if m.type in _CACHES and (m.show_viewport or m.show_render)]
    return [
        f'The modifier "{modifier.name}" of "{obj.name}" plays points from a file over the shape keys; switch it off '
        "to see the result."
        for modifier in on
    ]


def _of_modifier(obj: bpy.types.Object, armature: bpy.types.Object) -> list[str]:
    found: list[str] = []
    modifier: Any
    for modifier in obj.modifiers:
        if modifier.type != "ARMATURE" or modifier.object != armature:
            continue
        off = [word for word, on in (("viewport", modifier.show_viewport), ("render", modifier.show_render)) if not on]
        if off:
            found.append(
                f'The Armature modifier of "{obj.name}" is off in the {" and the ".join(off)}: bones do not show.'
            )
    return found


def _of_armature(obj: bpy.types.Object, armature: bpy.types.Object, bones: FaceBones) -> list[str]:
    found: list[str] = []
    if armature.data.pose_position == "REST":
        found.append(f'The armature "{armature.name}" is shown in rest position; switch it to pose position.')
    roles = {"jaw": bones.jaw, "head": bones.head, "neck": bones.neck}
    roles |= {"left eye": bones.left_eye, "right eye": bones.right_eye}
    for role, name in roles.items():
        bone = armature.pose.bones.get(name) if name else None
        if bone is None:
            continue
        turned = [c.name for c in bone.constraints if c.type in _TURNING and c.enabled and c.influence > 0]
        if turned:
            found.append(
                f'The {role} bone "{bone.name}" has the constraint "{turned[0]}", which can hide its keys; '
                "switch it off, or name the bone's control in the Face Rig panel."
            )
        if bone.location.length * armature.matrix_world.median_scale > _MOVED_METRES:
            found.append(f'The {role} bone "{bone.name}" is moved from its place ({_millimetres(armature, bone)} mm).')
    return found


def _millimetres(armature: bpy.types.Object, bone: Any) -> str:
    return f"{1000 * bone.location.length * armature.matrix_world.median_scale:.0f}"


def first_armature_is_passed_over(obj: bpy.types.Object, armature: bpy.types.Object | None) -> str:
    """A sentence where another armature than the first modifier's carries the face."""
    modifiers: list[Any] = list(obj.modifiers)
    first = next((m.object for m in modifiers if m.type == "ARMATURE" and m.object is not None), None)
    if first is None or first == armature or find_armature(obj) != armature or armature is None:
        return ""
    return f'"{obj.name}" has two armatures; "{armature.name}" has the bones of the face and is keyed.'
