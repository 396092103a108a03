# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a rigged head from a user's own FLAME file, named and turned as FLAME's Blender add-on does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..rig.flame_file import JOINT_NAMES, FlameModel, read_flame
from .flame_bones import add_flame_bones

MESH_NAME, RIG_NAME = "FLAME", "FLAME_rig"
_SLIDER_REACH = 5.0
# joints whose rotations the correctives answer to: all but the root, nine entries each
_CORRECTED = JOINT_NAMES[1:]


@dataclass(frozen=True, slots=True)
class FlameImport:
    """expressions, shapes: how many keys of each kind to make. correctives: whether to make Pose keys."""

    expressions: int = 100
    shapes: int = 0
    correctives: bool = False


def import_flame_file(scene: bpy.types.Scene, path: Path, settings: FlameImport) -> bpy.types.Object:
    """Read a model file, then :func:`import_flame`. Raises :class:`ModelError` before anything is made."""
    return import_flame(scene, read_flame(path), settings)


def import_flame(scene: bpy.types.Scene, model: FlameModel, settings: FlameImport) -> bpy.types.Object:
    """Add the head and its armature to the scene; returns the mesh object."""
    parents = [JOINT_NAMES[parent] if parent >= 0 else "" for parent in model.parents]
    rig = add_flame_bones(scene, RIG_NAME, JOINT_NAMES, parents, _to_blender(model.joints))
    mesh = bpy.data.meshes.new(MESH_NAME)
    vertices = _to_blender(model.vertices)
    mesh.from_pydata(vertices.tolist(), [], model.triangles.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    obj = bpy.data.objects.new(MESH_NAME, mesh)
    scene.collection.objects.link(obj)
    obj.shape_key_add(name="Basis", from_mix=False)
    _add_keys(obj, vertices, "Shape", model.shapes[: settings.shapes])
    _add_keys(obj, vertices, "Exp", model.expressions[: settings.expressions])
    if settings.correctives:
        _add_keys(obj, vertices, "Pose", model.pose_correctives)
    for name, weights in zip(JOINT_NAMES, model.weights.T, strict=True):
        group = obj.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(weights > 0):
            group.add([int(vertex)], float(weights[vertex]), "REPLACE")
    obj.parent = rig
    modifier: bpy.types.ArmatureModifier = obj.modifiers.new("Armature", "ARMATURE")  # type: ignore[assignment]
    modifier.object = rig
    return obj


def key_pose_correctives(obj: bpy.types.Object, first: int, last: int) -> int:
    """Key the Pose keys on every frame of first..last from how the bones stand there; returns how many keys.

    Entry 9 j + k of the correctives is entry k of joint j's local rotation matrix less the identity, row by row.
    Raises :class:`RigError` when the mesh has no Pose keys or no armature with FLAME's bones.
    """
    blocks = _pose_blocks(obj)
    rig = obj.find_armature()
    if rig is None or any(name not in rig.pose.bones for name in _CORRECTED):
        raise RigError(
            f'"{obj.name}" has no armature with the bones {", ".join(_CORRECTED)}.', "Import the FLAME file again."
        )
    scene = bpy.context.scene
    before = scene.frame_current
    try:
        for frame in range(first, last + 1):
            scene.frame_set(frame)
            for block, value in zip(blocks, _rotation_entries(rig), strict=True):
                block.value = value
                block.keyframe_insert("value", frame=frame)
    finally:
        scene.frame_set(before)
    return len(blocks) * (last + 1 - first)


def _pose_blocks(obj: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    keys = obj.data.shape_keys if obj.type == "MESH" else None
    names = [f"Pose{index + 1}" for index in range(9 * len(_CORRECTED))]
    if keys is None or any(name not in keys.key_blocks for name in names):
        raise RigError(
            f'"{obj.name}" has no keys Pose1 to Pose{len(names)}.',
            "Import the FLAME file with Pose Correctives switched on.",
        )
    return [keys.key_blocks[name] for name in names]


def _rotation_entries(rig: bpy.types.Object) -> list[float]:
    """(36,) the bones stand in FLAME's axes, so their own rotations are FLAME's."""
    entries: list[float] = []
    for name in _CORRECTED:
        rotation = np.array(rig.pose.bones[name].matrix_basis)[:3, :3] - np.eye(3)
        entries.extend(float(value) for value in rotation.ravel())
    return entries


def _add_keys(obj: bpy.types.Object, vertices: NDArray[np.float32], name: str, deltas: NDArray[np.float32]) -> None:
    for index, delta in enumerate(deltas):
        key = obj.shape_key_add(name=f"{name}{index + 1}", from_mix=False)
        key.points.foreach_set("co", (vertices + _to_blender(delta)).ravel())
        # 5.0 and later make new keys with value 1
        key.value = 0.0
        key.slider_min, key.slider_max = -_SLIDER_REACH, _SLIDER_REACH


def _to_blender(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., 3) y up, z to the viewer, to Z up, face towards -Y."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1).astype(np.float32)
