# SPDX-License-Identifier: GPL-3.0-or-later
"""The face as a tracker wants it (camera, lights, background), and pictures of it. Main thread only.

``studio`` has the stage for people to look at.
"""

from __future__ import annotations

import ctypes.util
import math
from dataclasses import dataclass
from pathlib import Path

import bpy
from mathutils import Vector

from research.render.quiet import quiet_stdout

_CAMERA_NAME = "Mimesh Camera"
# metres, Blender axes: between the eyes is the origin of the demo head
_TARGET = Vector((0.0, 0.03, -0.03))
_DISTANCE = 1.35
_FRAME_HEIGHT = 0.36
_BACKGROUND = (0.16, 0.19, 0.22)
_CYCLES_SAMPLES = 12
_JPEG_QUALITY = 96


@dataclass(frozen=True, slots=True)
class PreviewSettings:
    """pixels: width and height. yaw_degrees: the camera walks round to the person's left.

    fine: smoother edges for three times the time.
    """

    pixels: int = 640
    fps: int = 25
    yaw_degrees: float = 0.0
    fine: bool = False


def has_software_gl() -> bool:
    """Whether Workbench can render here: without EGL Blender's module aborts the whole process."""
    return ctypes.util.find_library("EGL") is not None


def fresh_scene() -> bpy.types.Scene:
    """Throw everything away and start from an empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.data.scenes[0]


def set_stage(scene: bpy.types.Scene, settings: PreviewSettings) -> None:
    """Camera, three lights, a plain background and the render settings."""
    render = scene.render
    render.resolution_x = render.resolution_y = settings.pixels
    render.resolution_percentage = 100
    render.fps, render.fps_base = settings.fps, 1.0
    scene.view_settings.view_transform = "Standard"
    _set_camera(scene, settings)
    _set_world(scene)
    if "Mimesh Key" not in scene.objects:
        _add_sun(scene, "Mimesh Key", (50.0, 0.0, -35.0), 2.6, (1.0, 0.96, 0.9))
        _add_sun(scene, "Mimesh Fill", (65.0, 0.0, 50.0), 0.9, (0.85, 0.92, 1.0))
        _add_sun(scene, "Mimesh Rim", (-60.0, 0.0, 20.0), 1.6, (1.0, 1.0, 1.0))
    _set_engine(scene, settings)


def aim_camera(scene: bpy.types.Scene, yaw_degrees: float, pitch_degrees: float = 0.0) -> None:
    """Walk the stage's camera round the head (to the person's left, and up)."""
    yaw, pitch = math.radians(yaw_degrees), math.radians(pitch_degrees)
    away = Vector((math.sin(yaw) * math.cos(pitch), -math.cos(yaw) * math.cos(pitch), math.sin(pitch)))
    camera = scene.objects[_CAMERA_NAME]
    camera.location = _TARGET + away * _DISTANCE
    camera.rotation_euler = (-away).to_track_quat("-Z", "Y").to_euler()


def render_still(scene: bpy.types.Scene, frame: int, path: Path) -> Path:
    """One PNG."""
    scene.frame_set(frame)
    _set_png(scene)
    scene.render.filepath = str(path)
    with quiet_stdout():
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return path


def render_frames(scene: bpy.types.Scene, first: int, last: int, folder: Path, quick: bool = False) -> list[Path]:
    """Every frame from ``first`` to ``last`` as a PNG in ``folder``, in order.

    quick: as JPEG, which is written and read in a fraction of the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scene.frame_start, scene.frame_end, scene.frame_step = first, last, 1
    _set_png(scene)
    if quick:
        scene.render.image_settings.file_format, scene.render.image_settings.quality = "JPEG", _JPEG_QUALITY
    scene.render.filepath = str(folder / "frame_")
    # the strips are for the ear and the engine; they must not replace the picture
    scene.render.use_sequencer = False
    with quiet_stdout():
        bpy.ops.render.render(animation=True, scene=scene.name)
    return sorted(folder.glob("frame_*"))


def _set_camera(scene: bpy.types.Scene, settings: PreviewSettings) -> None:
    camera = scene.objects.get(_CAMERA_NAME)
    if camera is None:
        camera = bpy.data.objects.new(_CAMERA_NAME, bpy.data.cameras.new(_CAMERA_NAME))
        scene.collection.objects.link(camera)
    camera.data.sensor_width = 36.0
    camera.data.lens = 36.0 * _DISTANCE / _FRAME_HEIGHT
    camera.data.clip_start, camera.data.clip_end = 0.05, 20.0
    scene.camera = camera
    aim_camera(scene, settings.yaw_degrees)


def _set_world(scene: bpy.types.Scene) -> None:
    if scene.world is None:
        scene.world = bpy.data.worlds.new("Mimesh World")
    scene.world.color = _BACKGROUND
    if scene.world.node_tree is None:
        # worlds are born with nodes since 5.0
        scene.world.use_nodes = True
    background = next((node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND"), None)
    if background is not None:
        background.inputs["Color"].default_value = (*_BACKGROUND, 1.0)
        background.inputs["Strength"].default_value = 1.0


def _add_sun(
    scene: bpy.types.Scene,
    name: str,
    degrees: tuple[float, float, float],
    strength: float,
    colour: tuple[float, float, float],
) -> None:
    light: bpy.types.SunLight = bpy.data.lights.new(name, "SUN")  # type: ignore[assignment]
    light.energy, light.color, light.angle = strength, colour, math.radians(15.0)
    sun = bpy.data.objects.new(name, light)
    sun.rotation_euler = [math.radians(angle) for angle in degrees]
    scene.collection.objects.link(sun)


def _set_engine(scene: bpy.types.Scene, settings: PreviewSettings) -> None:
    """Workbench where it can run (0.1 s a picture), else a few samples of Cycles."""
    if not has_software_gl():
        scene.render.engine = "CYCLES"
        scene.cycles.device = "CPU"
        scene.cycles.samples = _CYCLES_SAMPLES
        scene.cycles.use_denoising = False
        scene.cycles.max_bounces = 2
        return
    scene.render.engine = "BLENDER_WORKBENCH"
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.studio_light = "paint.sl"
    shading.color_type = "VERTEX"
    shading.background_type = "WORLD"
    # without these highlights the iris keeps its colour
    shading.show_specular_highlight = False
    shading.show_cavity = False
    scene.display.render_aa = "8" if settings.fine else "FXAA"


def _set_png(scene: bpy.types.Scene) -> None:
    image = scene.render.image_settings
    # 5.0 and later ask for the kind of media before the format
    if hasattr(image, "media_type"):
        image.media_type = "IMAGE"
    image.file_format = "PNG"
    image.color_mode = "RGB"
    image.compression = 10
