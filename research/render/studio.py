# SPDX-License-Identifier: GPL-3.0-or-later
"""A photographer's studio round heads side by side: soft key, fill and rim lights, a backdrop, a portrait camera.

The same lights serve Cycles and EEVEE. Main thread only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
from mathutils import Vector

# metres; between the eyes is the origin of the demo head, its shoulders are 43 cm wide
_SPACING, _TURN_DEGREES = 0.39, 18.0
_DISTANCE, _CENTRE = 2.2, Vector((0.0, 0.0, -0.055))
_HEIGHT_OF_PICTURE = 0.40
_BACKDROP_Y, _BACKDROP_SIZE, _BACKDROP_CUTS = 1.5, (5.0, 3.0), 40
_WORLD, _BACKDROP = (0.05, 0.06, 0.075), (0.12, 0.165, 0.22)
_LABEL_SIZE, _LABEL_BELOW, _LABEL_BEFORE = 0.018, 0.186, 0.25
CAMERA, BACKDROP = "Mimesh Camera", "Mimesh Backdrop"


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """width, height: of the picture in pixels. fps: of the scene."""

    width: int = 640
    height: int = 360
    fps: int = 25


@dataclass(frozen=True, slots=True)
class _Lamp:
    """place: metres. size: diameter in metres. watts, colour: of the light."""

    name: str
    place: tuple[float, float, float]
    size: float
    watts: float
    colour: tuple[float, float, float]


_LAMPS = (
    _Lamp("Mimesh Key", (-0.9, -1.2, 0.8), 0.7, 40.0, (1.0, 0.95, 0.88)),
    _Lamp("Mimesh Fill", (1.3, -1.0, 0.1), 1.2, 14.0, (0.8, 0.88, 1.0)),
    _Lamp("Mimesh Rim", (0.3, 1.1, 0.9), 0.8, 34.0, (0.85, 0.93, 1.0)),
)


def place_heads(heads: Sequence[bpy.types.Object]) -> None:
    """Side by side round the origin, each turned a little to the middle; a single one to the key light."""
    for index, head in enumerate(heads):
        rig = head.parent
        assert rig is not None
        side = index - (len(heads) - 1) / 2
        rig.location.x = side * _SPACING
        rig.rotation_euler.z = math.radians(-_TURN_DEGREES * math.copysign(1.0, side))


def set_studio(scene: bpy.types.Scene, settings: StudioSettings) -> None:
    """Lights, backdrop, camera and the render settings; EEVEE is what the file is rendered with."""
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = settings.width, settings.height, 100
    render.fps, render.fps_base = settings.fps, 1.0
    scene.view_settings.view_transform = "Standard"
    for lamp in _LAMPS:
        _add_lamp(scene, lamp)
    _add_backdrop(scene)
    _set_world(scene)
    _set_camera(scene, settings)
    scene.cycles.device, scene.cycles.samples, scene.cycles.max_bounces = "CPU", 32, 4
    scene.cycles.use_denoising = True
    render.use_persistent_data = True
    # the strips are for the ear and the engine; they must not replace the picture
    render.use_sequencer = False
    render.engine = eevee_name()


def add_label(scene: bpy.types.Scene, head: bpy.types.Object, text: str) -> None:
    """A line of text at the picture's lower edge, under the head."""
    curve: bpy.types.TextCurve = bpy.data.curves.new(f"Label {text}", "FONT")  # type: ignore[assignment]
    curve.body, curve.size, curve.align_x = text, _LABEL_SIZE, "CENTER"
    label = bpy.data.objects.new(curve.name, curve)
    rig = head.parent
    assert rig is not None
    # nearer to the camera things look larger and further out
    nearer = (_DISTANCE - _LABEL_BEFORE) / _DISTANCE
    label.location = (rig.location.x * nearer, -_LABEL_BEFORE, (_CENTRE.z - _LABEL_BELOW) * nearer)
    label.rotation_euler = (math.pi / 2, 0.0, 0.0)
    curve.materials.append(_flat_material("Mimesh Label", (0.9, 0.9, 0.9), glow=1.0))
    scene.collection.objects.link(label)


def eevee_name() -> str:
    """EEVEE as this Blender calls it."""
    return "BLENDER_EEVEE" if bpy.app.version >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


def _add_lamp(scene: bpy.types.Scene, lamp: _Lamp) -> None:
    light: bpy.types.AreaLight = bpy.data.lights.new(lamp.name, "AREA")  # type: ignore[assignment]
    light.shape, light.size, light.energy, light.color = "DISK", lamp.size, lamp.watts, lamp.colour
    obj = bpy.data.objects.new(lamp.name, light)
    obj.location = lamp.place
    obj.rotation_euler = (_CENTRE - Vector(lamp.place)).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(obj)


def _add_backdrop(scene: bpy.types.Scene) -> None:
    """An upright grid: its vertices can carry baked light."""
    width, height = _BACKDROP_SIZE
    steps = [index / _BACKDROP_CUTS - 0.5 for index in range(_BACKDROP_CUTS + 1)]
    points = [(x * width, _BACKDROP_Y, z * height) for z in steps for x in steps]
    row = _BACKDROP_CUTS + 1
    corners = [row * y + x for y in range(_BACKDROP_CUTS) for x in range(_BACKDROP_CUTS)]
    mesh = bpy.data.meshes.new(BACKDROP)
    mesh.from_pydata(points, [], [(first, first + 1, first + row + 1, first + row) for first in corners])
    mesh.materials.append(_flat_material(BACKDROP, _BACKDROP))
    scene.collection.objects.link(bpy.data.objects.new(BACKDROP, mesh))


def _flat_material(name: str, colour: tuple[float, float, float], glow: float = 0.0) -> bpy.types.Material:
    material = bpy.data.materials.get(name) or bpy.data.materials.new(name)
    material.diffuse_color = (*colour, 1.0)
    if material.node_tree is None:
        # materials are born with nodes since 5.0
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = 0.9
    shader.inputs["Emission Color"].default_value = (*colour, 1.0)
    shader.inputs["Emission Strength"].default_value = glow
    return material


def _set_world(scene: bpy.types.Scene) -> None:
    scene.world = world = scene.world or bpy.data.worlds.new("Mimesh World")
    world.color = _WORLD
    if world.node_tree is None:
        # worlds are born with nodes since 5.0
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*_WORLD, 1.0)


def _set_camera(scene: bpy.types.Scene, settings: StudioSettings) -> None:
    data = bpy.data.cameras.new(CAMERA)
    camera = bpy.data.objects.new(CAMERA, data)
    data.sensor_fit, data.sensor_height = "VERTICAL", 24.0
    data.lens = 24.0 * _DISTANCE / _HEIGHT_OF_PICTURE
    data.clip_start, data.clip_end = 0.05, 20.0
    camera.location = _CENTRE + Vector((0.0, -_DISTANCE, 0.0))
    camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.collection.objects.link(camera)
    scene.camera = camera
