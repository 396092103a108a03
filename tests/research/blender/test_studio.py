# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's studio: both heads whole in the picture, lit by the same lamps in Cycles and in the quick preview."""

from __future__ import annotations

import itertools
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from core.blender.demo_head import create_demo_head
from research.render import baked_light, preview, studio
from research.render.film import read_picture

# metres, of the demo head: above it is head and neck
_NECK = -0.15


def _heads_in_studio(count: int) -> tuple[bpy.types.Scene, list[bpy.types.Object]]:
    scene = preview.fresh_scene()
    heads = [create_demo_head(scene) for _ in range(count)]
    studio.place_heads(heads)
    studio.set_studio(scene, studio.StudioSettings(width=160, height=90))
    bpy.context.view_layer.update()
    return scene, heads


@pytest.mark.parametrize("count", [1, 2])
def test_heads_are_whole_in_the_picture_and_apart(count: int) -> None:
    scene, heads = _heads_in_studio(count)
    assert scene.camera is not None
    reaches = []
    for head in heads:
        skin = [head.matrix_world @ vertex.co for vertex in head.data.vertices if vertex.co.z > _NECK]
        seen = np.array([world_to_camera_view(scene, scene.camera, point) for point in skin])
        assert seen[:, 0].min() > 0.0 and seen[:, 0].max() < 1.0
        # the crown with air above it, the neck well above the lower edge, where the bust is cut off
        assert 0.85 < seen[:, 1].max() < 1.0
        assert seen[:, 1].min() > 0.2
        lowest = min((head.matrix_world @ Vector(corner) for corner in head.bound_box), key=lambda corner: corner.z)
        assert world_to_camera_view(scene, scene.camera, lowest).y < 0.0
        reaches.append((seen[:, 0].min(), seen[:, 0].max()))
    assert all(left[1] < right[0] for left, right in itertools.pairwise(reaches))


@pytest.mark.slow
def test_the_quick_preview_is_lit_as_cycles_lights_it(tmp_path: Path) -> None:
    if not preview.has_software_gl():
        pytest.skip("Workbench needs EGL")
    scene, heads = _heads_in_studio(1)
    scene.render.engine, scene.cycles.samples = "CYCLES", 8
    real = read_picture(preview.render_still(scene, 1, tmp_path / "cycles.png")).astype(float)
    lit = [*heads, scene.objects[studio.BACKDROP]]
    baked_light.bake_light(scene, lit)
    baked_light.draw_baked_light(scene)
    quick = read_picture(preview.render_still(scene, 1, tmp_path / "quick.png")).astype(float)
    assert np.abs(real - quick).mean() < 25.0
    assert np.corrcoef(real.ravel(), quick.ravel())[0, 1] > 0.8
