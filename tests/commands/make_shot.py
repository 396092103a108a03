# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``shot.blend`` of the sandbox: Ada, Anna and Ben, their lines as strips, a camera. For ``blender -b -P``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import bpy

CORE = "bl_ext.user_default.mimesh.core.blender"
NAMES = ("Ada", "Anna", "Ben")


def main(folder: Path) -> None:
    """Write it into ``folder``, where the sounds are."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    for place, name in enumerate(NAMES):
        add_head(scene, name, 0.6 * place)
    strips = importlib.import_module(f"{CORE}.compat").strips_of(scene.sequence_editor_create())
    for name, sound, channel, frame in (("Ada 01", "talk.wav", 3, 1), ("sc01_line1", "line.wav", 4, 40)):
        strips.new_sound(name, str(folder / sound), channel, frame)
    # who speaks on it
    scene.sequence_editor.channels[4].name = "Anna"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0, -0.9, 0.0), (1.5708, 0, 0)
    camera.data.clip_start = 0.01
    scene.camera = camera
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    scene.collection.objects.link(sun)
    sun.data.energy, sun.rotation_euler = 4.0, (0.9, 0.3, 0)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x = scene.render.resolution_y = 64
    scene.render.fps, scene.frame_end = 24, 12
    scene.render.filepath = "//frames/####"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))


def add_head(scene: Any, name: str, aside: float) -> None:
    """The demo head under another name, so that the next one has room."""
    module = importlib.import_module(f"{CORE}.demo_head")
    head = module.create_demo_head(scene)
    rig = bpy.data.objects[module.RIG_NAME]
    head.name, rig.name = name, f"{name}Rig"
    rig.location.x = aside


main(Path(sys.argv[sys.argv.index("--") + 1]))
