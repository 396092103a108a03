# SPDX-License-Identifier: GPL-3.0-or-later
"""A keyed face as a small picture, drawn from the evaluated mesh without a renderer. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import OPENING_PAIRS
from ..face.rotations import FloatArray
from ..png import png
from ..rig.raster import View, draw
from .read_mesh import read_triangles, vertex_positions
from .read_rig import read_rig

PIXELS = 160
_SKIN = (0.62, 0.45, 0.36)
# frames of the line that are looked at for an open mouth
_LOOKED_AT = 12
# of the face's height that the picture shows
_MARGIN = 1.25
# the same of a whole head
_ROOM = 1.05
# right, up, and towards who looks along +Y
_WORLD_FRONT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def mesh_thumbnail(object_name: str) -> bytes:
    """A PNG of the face in the frame in which its mouth is widest; empty where its landmarks are not known.

    Leaves the scene at the frame where it was. Raises :class:`RigError` for a mesh that is no face.
    """
    obj = bpy.data.objects[object_name]
    binding = read_rig(obj).binding
    if binding is None:
        return b""
    scene = bpy.context.scene
    present = scene.frame_current
    frames = np.linspace(scene.frame_start, scene.frame_end, _LOOKED_AT).round().astype(int)
    best: tuple[float, FloatArray] | None = None
    for frame in np.unique(frames):
        scene.frame_set(int(frame))
        vertices = _evaluated(obj)
        points = binding.points(vertices)
        upper, lower = OPENING_PAIRS.T
        gap = float(np.linalg.norm(points[upper] - points[lower], axis=1).mean())
        if best is None or gap > best[0]:
            best = gap, vertices
    scene.frame_set(present)
    assert best is not None  # there is at least one frame
    rgb = _drawn(best[1], read_triangles(obj.data), binding.points(best[1])[binding.valid])
    return png(rgb)


def coloured_picture(obj: bpy.types.Object, layer: str, pixels: int) -> NDArray[np.uint8]:
    """(pixels, pixels, 3) RGB of a mesh at rest, seen along +Y, in the colours of a point attribute."""
    mesh: Any = obj.data
    vertices = vertex_positions(mesh)
    rgba = np.empty(4 * len(vertices), np.float32)
    mesh.color_attributes[layer].data.foreach_get("color", rgba)
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    view = View(_WORLD_FRONT, middle, float(np.ptp(vertices[:, 2])) * _ROOM, pixels)
    return draw(vertices, read_triangles(mesh), rgba.reshape(-1, 4)[:, :3], view).rgb


def _evaluated(obj: bpy.types.Object) -> FloatArray:
    """(V, 3) in the world, with keys and bones."""
    shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = shown.to_mesh()
    if len(mesh.vertices) != len(obj.data.vertices):
        # a modifier changes the topology: the keys alone still show the mouth
        mesh = obj.data
    positions = vertex_positions(mesh)
    shown.to_mesh_clear()
    world = np.array(obj.matrix_world)
    moved: FloatArray = positions @ world[:3, :3].T + world[:3, 3]
    return moved


def _drawn(vertices: FloatArray, triangles: NDArray[np.int32], face: FloatArray) -> NDArray[np.uint8]:
    """The face from the front, wherever it looks: its landmarks tell right, up and towards the viewer."""
    centred = face - face.mean(axis=0)
    # the widest two directions of a face's landmarks lie in its plane; z is up in Blender
    normal = np.linalg.svd(centred, full_matrices=False)[2][2]
    inside = vertices.mean(axis=0) - face.mean(axis=0)
    normal = -normal if normal @ inside > 0 else normal
    up = np.array([0.0, 0.0, 1.0]) - normal * normal[2]
    up /= max(float(np.linalg.norm(up)), 1e-6)
    axes = np.stack([np.cross(up, normal), up, normal])
    width = float(np.ptp(centred @ axes.T, axis=0).max()) * _MARGIN
    colours = np.tile(np.array(_SKIN), (len(vertices), 1))
    return draw(vertices, triangles, colours, View(axes, face.mean(axis=0), width, PIXELS)).rgb
