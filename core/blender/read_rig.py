# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a mesh object and its armature into a :class:`RigDescription`. Changes nothing. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..rig.conventions.registry import match_keys
from ..rig.description import BoneDescription, RigDescription, bone_links
from ..rig.names import FaceBones, descendants, resolve_bones
from .correspond import load_binding
from .read_animation import find_armature

# object property that names the face basis whose components the keys are (the bundled demo head has it)
BASIS_PROPERTY = "mimesh_basis"


def read_rig(obj: bpy.types.Object | None) -> RigDescription:
    """The rig as arrays. Raises :class:`RigError` with one sentence when it cannot be used."""
    obj = require_mesh(obj)
    _require_editable(obj)
    keys = _require_keys(obj)
    match = match_keys([block.name for block in keys.key_blocks if block != keys.reference_key], obj.name)
    armature = find_armature(obj)
    bones = _read_bones(armature)
    face_bones = resolve_bones(bone_links(bones)) if bones else FaceBones()
    blocks = [keys.key_blocks[name] for name in match.names]
    triangles = _read_triangles(obj.data)
    vertices = _neutral_vertices(keys, {*match.names, *(key.name for key in match.gaze)})
    return RigDescription(
        object_name=obj.name,
        armature_name=armature.name if armature is not None else None,
        vertices=vertices,
        triangles=triangles,
        key_names=match.names,
        key_deltas=np.stack([_delta(block) for block in blocks]),
        key_ranges=np.array([(block.slider_min, block.slider_max) for block in blocks], np.float32),
        bones=bones,
        face_bones=face_bones,
        jaw_weights=_jaw_weights(obj, armature, bones, face_bones.jaw),
        object_to_armature=_object_to_armature(obj, armature),
        binding=load_binding(obj, triangles),
        convention=match.convention,
        key_meanings=match.meanings,
        left_out=match.left_out,
        basis_hash=str(obj.get(BASIS_PROPERTY, "")),
        warnings=_warnings(obj, keys, blocks, armature, face_bones),
        gaze_keys=match.gaze,
    )


def require_mesh(obj: bpy.types.Object | None) -> bpy.types.Object:
    """The object, if it is a mesh. Raises :class:`RigError`."""
    if obj is None:
        raise RigError("No mesh is chosen.", "Choose the character's head mesh in the Mimesh panel.")
    if obj.type != "MESH":
        raise RigError(f'"{obj.name}" is not a mesh but a {obj.type.lower()}.', "Choose the character's head mesh.")
    return obj


def _require_editable(obj: bpy.types.Object) -> None:
    armature = find_armature(obj)
    keys = obj.data.shape_keys
    for block in (obj, obj.data, keys, armature):
        if block is None:
            continue
        if block.library is not None:
            raise RigError(
                f'"{block.name}" is linked from {block.library.filepath} and cannot be animated here.',
                "Make it local (Object > Relations > Make Local > All).",
            )
        if block.override_library is not None and block is not armature:
            raise RigError(
                f'"{block.name}" is a library override, whose shape keys cannot take new animation.',
                "Make it local (Object > Relations > Make Local > All).",
            )
    for thing in (obj, armature):
        if thing is not None and thing.mode == "EDIT":
            raise RigError(f'"{thing.name}" is in Edit Mode.', "Leave Edit Mode (Tab) and try again.")
    twins = [other.name for other in bpy.data.objects if other.data == obj.data and other != obj]
    if twins:
        raise RigError(
            f'"{obj.name}" shares its mesh with "{twins[0]}", so both would talk.',
            "Make it single-user (Object > Relations > Make Single User > Object & Data).",
        )


def _require_keys(obj: bpy.types.Object) -> bpy.types.Key:
    keys = obj.data.shape_keys
    if keys is None or len(keys.key_blocks) < 2:
        raise RigError(
            f'The mesh "{obj.name}" has no shape keys.',
            "Choose the head mesh of a FLAME, SMPL-X or ARKit rig, or add the demo head.",
        )
    if not keys.use_relative:
        raise RigError(
            f'The shape keys of "{obj.name}" are absolute, not relative.', "Tick Relative in the shape key panel."
        )
    return keys


def _positions(block: bpy.types.ShapeKey) -> NDArray[np.float32]:
    flat = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _delta(block: bpy.types.ShapeKey) -> NDArray[np.float32]:
    """(V, 3) per unit of the key's value, relative to the key it is relative to."""
    return _positions(block) - _positions(block.relative_key)


def _neutral_vertices(keys: bpy.types.Key, expression: set[str]) -> NDArray[np.float32]:
    """(V, 3) the reference with the artist's other keys (identity) as they stand."""
    vertices = _positions(keys.reference_key)
    for block in keys.key_blocks:
        if block != keys.reference_key and block.name not in expression and not block.mute and block.value:
            vertices = vertices + block.value * _delta(block)
    return vertices.astype(np.float32)


def _read_triangles(mesh: Any) -> NDArray[np.int32]:
    mesh.calc_loop_triangles()
    flat = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", flat)
    return flat.reshape(-1, 3)


def _read_bones(armature: bpy.types.Object | None) -> tuple[BoneDescription, ...]:
    if armature is None:
        return ()
    modes = {bone.name: bone.rotation_mode for bone in armature.pose.bones}
    return tuple(
        BoneDescription(
            name=bone.name,
            parent=bone.parent.name if bone.parent is not None else None,
            rest_matrix=np.array(bone.matrix_local, np.float64),
            rotation_mode=modes.get(bone.name, "QUATERNION"),
            inherits_rotation=bone.use_inherit_rotation,
        )
        for bone in armature.data.bones
    )


def _object_to_armature(obj: bpy.types.Object, armature: bpy.types.Object | None) -> NDArray[np.float64]:
    if armature is None:
        return np.eye(4)
    # world matrices of objects just made or moved by a script are stale until the next evaluation
    bpy.context.view_layer.update()
    return np.linalg.inv(np.array(armature.matrix_world, np.float64)) @ np.array(obj.matrix_world, np.float64)


def _jaw_weights(
    obj: bpy.types.Object,
    armature: bpy.types.Object | None,
    bones: tuple[BoneDescription, ...],
    jaw: str | None,
) -> NDArray[np.float32]:
    """(V,) share of all deforming bones' weight that the jaw and the bones below it hold."""
    count = len(obj.data.vertices)
    if armature is None or jaw is None or not _is_deformed_by(obj, armature):
        return np.zeros(count, np.float32)
    deforming = {bone.name for bone in armature.data.bones if bone.use_deform}
    family = set(descendants(bone_links(bones), jaw))
    role = {group.index: group.name in family for group in obj.vertex_groups if group.name in deforming}
    total, of_jaw = np.zeros(count), np.zeros(count)
    for vertex in obj.data.vertices:
        for element in vertex.groups:
            if element.group in role:
                total[vertex.index] += element.weight
                of_jaw[vertex.index] += element.weight * role[element.group]
    shares: NDArray[np.float32] = np.divide(of_jaw, total, out=np.zeros(count), where=total > 0).astype(np.float32)
    return shares


def _is_deformed_by(obj: bpy.types.Object, armature: bpy.types.Object) -> bool:
    modifiers: list[Any] = [modifier for modifier in obj.modifiers if modifier.type == "ARMATURE"]
    return obj.parent_type == "ARMATURE" or any(m.object == armature and m.use_vertex_groups for m in modifiers)


def _warnings(
    obj: bpy.types.Object,
    keys: bpy.types.Key,
    blocks: list[Any],
    armature: bpy.types.Object | None,
    bones: FaceBones,
) -> tuple[str, ...]:
    """What would hide the result or leave part of it out."""
    found: list[str] = []
    if armature is None:
        found.append(f'"{obj.name}" has no armature: the mouth opens by shape keys alone and the head stays still.')
    elif bones.jaw is None:
        found.append(f'The armature "{armature.name}" has no jaw bone: the mouth opens by shape keys alone.')
    elif armature.data.pose_position == "REST":
        found.append(f'The armature "{armature.name}" is shown in rest position; switch it to pose position.')
    if obj.hide_get() or obj.hide_viewport:
        found.append(f'"{obj.name}" is hidden; show it to see the result.')
    muted = [block.name for block in blocks if block.mute]
    if muted:
        found.append(f'{len(muted)} expression keys of "{obj.name}" are muted (first: {muted[0]}).')
    if obj.show_only_shape_key and obj.active_shape_key != keys.reference_key:
        found.append(f'"{obj.name}" shows only its active shape key; switch that pin off to see the result.')
    return tuple(found)
