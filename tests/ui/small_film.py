# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera, a light and quick small frames for a scene with the demo head: what they show can be looked at."""

from __future__ import annotations

from typing import Any

import bpy


def film_head(scene: Any) -> None:
    """From the front, 64 pixels square, by Cycles, which needs no window."""
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
