# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the scene of the command check: the demo head, a camera, the speech as a strip. Run by ``blender -b -P``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import bpy

# Blender does not look beside a script
sys.path.insert(0, str(Path(__file__).resolve().parent))
from small_film import film_head

speech, out = sys.argv[sys.argv.index("--") + 1 :]
core = "bl_ext.user_default.mimesh.core.blender"
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
head = importlib.import_module(f"{core}.demo_head").create_demo_head(scene)
media = importlib.import_module("bl_ext.user_default.mimesh.core.exchange.media_range").MediaRange(Path(speech), 0, 2)
importlib.import_module(f"{core}.blend_file").place_sound(scene, media)
bpy.ops.mesh.primitive_cube_add(location=(0, 0, -5))
film_head(scene)
scene.frame_end = 8
scene.render.image_settings.file_format = "FFMPEG"
scene.render.ffmpeg.format, scene.render.ffmpeg.codec, scene.render.ffmpeg.audio_codec = "MPEG4", "H264", "AAC"
bpy.ops.wm.save_as_mainfile(filepath=out)
