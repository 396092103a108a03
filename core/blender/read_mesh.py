# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh and its shape keys as arrays. Changes nothing. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from .armature import Weights


def key_deltas(blocks: Sequence[bpy.types.ShapeKey], groups: Mapping[str, Weights]) -> NDArray[np.float32]:
    """(K, V, 3) of several keys; the key that most are relative to is read once."""
    bases: dict[str, NDArray[np.float32]] = {}
    deltas = []
    for block in blocks:
        base = block.relative_key.name
        if base not in bases:
            bases[base] = key_positions(block.relative_key)
        deltas.append(_cut(key_positions(block) - bases[base], block, groups))
    return np.stack(deltas)


def key_delta(block: bpy.types.ShapeKey, groups: Mapping[str, Weights]) -> NDArray[np.float32]:
    """(V, 3) what a unit of the key does on the mesh: from the key it is relative to, cut by its vertex group."""
    return _cut(key_positions(block) - key_positions(block.relative_key), block, groups)


def _cut(delta: NDArray[np.float32], block: bpy.types.ShapeKey, groups: Mapping[str, Weights]) -> NDArray[np.float32]:
    # Blender ignores a group that is not there
    weights = groups.get(block.vertex_group) if block.vertex_group else None
    if weights is None:
        return delta
    share = np.zeros(len(delta), np.float32)
    share[weights.vertices] = weights.values
    return delta * share[:, None]


def neutral_vertices(keys: bpy.types.Key, expression: set[str], groups: Mapping[str, Weights]) -> NDArray[np.float32]:
    """(V, 3) the reference with the artist's other keys (identity) as they stand."""
    vertices = key_positions(keys.reference_key)
    for block in keys.key_blocks:
        if block != keys.reference_key and block.name not in expression and not block.mute and block.value:
            vertices = vertices + block.value * key_delta(block, groups)
    return vertices.astype(np.float32)


def vertex_positions(mesh: Any) -> NDArray[np.float32]:
    """(V, 3) the mesh as it is, in its object's axes."""
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def read_triangles(mesh: Any) -> NDArray[np.int32]:
    """(F, 3) vertex indices."""
    mesh.calc_loop_triangles()
    flat = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", flat)
    return flat.reshape(-1, 3)


def vertex_colours(mesh: Any, plain: NDArray[np.float64]) -> NDArray[np.float64]:
    """(V, 3) as they are displayed: of the active colour attribute, else of the materials in the viewport.

    plain: (3,) for a mesh that has neither.
    """
    layer = mesh.color_attributes.active_color
    if layer is not None and layer.domain == "POINT":
        flat = np.empty(4 * len(mesh.vertices), np.float32)
        layer.data.foreach_get("color_srgb", flat)
        return flat.reshape(-1, 4)[:, :3].astype(np.float64)
    colours = np.tile(plain, (len(mesh.vertices), 1))
    materials = [material for material in mesh.materials if material is not None]
    if len(materials) < 2 or len(materials) != len(mesh.materials):
        return colours
    # the viewport's colours are linear
    shown = np.array([material.diffuse_color[:3] for material in materials]).clip(0, 1) ** (1 / 2.2)
    triangles, numbers = read_triangles(mesh), np.empty(len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("material_index", numbers)
    colours[triangles] = shown[np.clip(numbers, 0, len(shown) - 1), None]
    return colours


def key_positions(block: bpy.types.ShapeKey) -> NDArray[np.float32]:
    """(V, 3) the mesh in the shape of the key alone."""
    flat = np.empty(3 * len(block.points), np.float32)
    # a hundred times quicker than through ``data``, and for meshes only, which is all that we have
    block.points.foreach_get("co", flat)
    return flat.reshape(-1, 3)
