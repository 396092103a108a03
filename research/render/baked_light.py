# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles' light kept in vertex colours, so that Workbench draws a lit film in a fraction of a second a picture.

The light stays on the skin where it fell at rest, with the mouth open so that teeth and tongue have theirs. That is
right for a head that turns a little, and for a preview; demo.blend itself keeps its lamps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from research.render.quiet import quiet_stdout

_LAYER = "Baked Light"
# a vertex is lit once for each of its corners, and what noise is left is smoothed along the surface
_SAMPLES, _BOUNCES, _SMOOTHINGS = 4, 2, 5
_DARKEST = 0.02
# how much the logarithm of the paint may differ where light is shared
_ALIKE = 0.4
_JAW, _OPEN_DEGREES = "jaw", 8.0
# what shows of an eye is lit as the face is; most of its vertices lie in the dark behind the lids
_EYES, _EYE_SHARE = ("eye_white", "iris"), 0.8
# flat colours have no highlights, and eyes without one look dull: where the key light's would be, of the iris' radius
_IRIS, _GLINT_PLACE, _GLINT_RADIUS, _GLINT = ("iris",), (-0.38, 0.42), 0.3, 0.9


def bake_light(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]) -> None:
    """Light every mesh as the scene's lamps light it now, into a colour layer of its own."""
    engine, samples, bounces = scene.render.engine, scene.cycles.samples, scene.cycles.max_bounces
    scene.render.engine, scene.cycles.samples, scene.cycles.max_bounces = "CYCLES", _SAMPLES, _BOUNCES
    layer = scene.view_layers[0]
    rigs = [obj.parent for obj in objects if obj.parent is not None and obj.parent.type == "ARMATURE"]
    _open_jaws(rigs, math.radians(_OPEN_DEGREES))
    try:
        for obj in objects:
            mesh: bpy.types.Mesh = obj.data  # type: ignore[assignment]
            mesh.color_attributes.new(_LAYER, "FLOAT_COLOR", "POINT")
            mesh.color_attributes.active_color_name = _LAYER
            for other in layer.objects:
                other.select_set(other == obj)
            layer.objects.active = obj
            with quiet_stdout():
                bpy.ops.object.bake(type="COMBINED", target="VERTEX_COLORS")
            _smooth(mesh)
    finally:
        _open_jaws(rigs, 0.0)
        scene.render.engine, scene.cycles.samples, scene.cycles.max_bounces = engine, samples, bounces


def draw_baked_light(scene: bpy.types.Scene) -> None:
    """Let Workbench draw the colours as they are."""
    scene.render.engine = "BLENDER_WORKBENCH"
    shading = scene.display.shading
    shading.light, shading.color_type, shading.background_type = "FLAT", "VERTEX", "WORLD"
    shading.show_shadows = shading.show_cavity = shading.show_object_outline = False
    # the caller draws larger and shrinks
    scene.display.render_aa = "OFF"


def _smooth(mesh: bpy.types.Mesh) -> None:
    """Take the noise out of the light and leave the paint: each vertex shares its light with those beside it."""
    layers: Any = mesh.color_attributes
    lit = _colours(layers[_LAYER])
    paint = np.ones_like(lit) if layers[0].name == _LAYER else np.maximum(_colours(layers[0]), _DARKEST)
    light = lit / paint
    edges = np.empty(2 * len(mesh.edges), np.int32)
    mesh.edges.foreach_get("vertices", edges)
    tone = np.log(paint.sum(axis=1))
    one, other = edges.reshape(-1, 2).T
    # the white of an eye shares nothing with its pupil
    alike = np.abs(tone[one] - tone[other]) < _ALIKE
    one, other = one[alike], other[alike]
    beside = np.bincount(np.concatenate([one, other]), minlength=len(lit))[:, None] + 1.0
    for _ in range(_SMOOTHINGS):
        total = light.copy()
        np.add.at(total, one, light[other])
        np.add.at(total, other, light[one])
        light = total / beside
    eyes = _vertices_of(mesh, _EYES)
    light[eyes] = np.maximum(light[eyes], _EYE_SHARE * np.quantile(light.mean(axis=1), 0.9))
    rgba = np.concatenate([light * paint, np.ones((len(lit), 1))], axis=1)
    rgba[_glints(mesh), :3] = _GLINT
    layers[_LAYER].data.foreach_set("color", rgba.astype(np.float32).ravel())


def _glints(mesh: bpy.types.Mesh) -> NDArray[np.int32]:
    """Vertices of each iris where the key light is reflected."""
    found = _vertices_of(mesh, _IRIS)
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", flat)
    seen = flat.reshape(-1, 3)[found][:, [0, 2]]
    chosen = np.zeros(len(found), bool)
    for side in (seen[:, 0] < 0, seen[:, 0] > 0):
        if side.any():
            offset = seen - seen[side].mean(axis=0)
            radius = np.linalg.norm(offset[side], axis=1).max()
            away = np.linalg.norm(offset - radius * np.array(_GLINT_PLACE), axis=1)
            chosen |= side & (away < _GLINT_RADIUS * radius)
    return found[chosen]


def _colours(layer: Any) -> NDArray[np.float64]:
    """(V, 3) linear."""
    flat = np.empty(4 * len(layer.data), np.float32)
    layer.data.foreach_get("color", flat)
    return flat.reshape(-1, 4)[:, :3].astype(np.float64)


def _vertices_of(mesh: bpy.types.Mesh, materials: Sequence[str]) -> NDArray[np.int32]:
    """Vertices of the faces with these materials; a material may be numbered."""
    names = [material.name if material else "" for material in mesh.materials]
    wanted = [number for number, name in enumerate(names) if any(part in name for part in materials)]
    found = [polygon.vertices[:] for polygon in mesh.polygons if polygon.material_index in wanted]
    return np.unique([vertex for vertices in found for vertex in vertices]).astype(np.int32)


def _open_jaws(rigs: Sequence[bpy.types.Object], radians: float) -> None:
    for rig in rigs:
        jaw = rig.pose.bones[_JAW]
        jaw.rotation_mode = "XYZ"
        jaw.rotation_euler.x = radians
        if not radians:
            # as it was; Blender carries the rotation over to the other form
            jaw.rotation_mode = "QUATERNION"
    bpy.context.view_layer.update()
