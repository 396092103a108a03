# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the scene of the command check: the demo head, a camera, the speech as a strip. Run by ``blender -b -P``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import bpy

speech, out = sys.argv[sys.argv.index("--") + 1 :]
core = "bl_ext.user_default.mimesh.core.blender"
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
head = importlib.import_module(f"{core}.demo_head").create_demo_head(scene)
media = importlib.import_module("bl_ext.user_default.mimesh.core.exchange.media_range").MediaRange(Path(speech), 0, 2)
importlib.import_module(f"{core}.blend_file").place_sound(scene, media)
bpy.ops.mesh.primitive_cube_add(location=(0, 0, -5))
camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
scene.collection.objects.link(camera)
camera.location, camera.rotation_euler = (0, -0.9, 0.0), (1.5708, 0, 0)
camera.data.clip_start = 0.01
scene.camera = camera
# the frames can be looked at
sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
scene.collection.objects.link(sun)
sun.data.energy, sun.rotation_euler = 4.0, (0.9, 0.3, 0)
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x = scene.render.resolution_y = 64
scene.frame_end = 8
scene.render.image_settings.file_format = "FFMPEG"
scene.render.ffmpeg.format, scene.render.ffmpeg.codec, scene.render.ffmpeg.audio_codec = "MPEG4", "H264", "AAC"
bpy.ops.wm.save_as_mainfile(filepath=out)
