# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ``shot.blend`` of the sandbox: Ada, Anna and Ben, their lines as strips, a camera. For ``blender -b -P``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import bpy

# Blender does not look beside a script
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui"))
from small_film import film_head

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
    film_head(scene)
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
