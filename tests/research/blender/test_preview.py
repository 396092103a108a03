# SPDX-License-Identifier: GPL-3.0-or-later
"""The portrait stage and its pictures, in the real Blender."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from core.blender.demo_head import create_demo_head
from research.render import preview


def _pixels(path: Path) -> np.ndarray:
    """(height, width, 3) 0..1, bottom row first."""
    image = bpy.data.images.load(str(path))
    values = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], image.channels)
    return values[..., :3]


def test_still_shows_skin_in_the_middle_and_background_at_the_edge(tmp_path: Path) -> None:
    scene = preview.fresh_scene()
    create_demo_head(scene)
    preview.set_stage(scene, preview.PreviewSettings(pixels=128))
    picture = _pixels(preview.render_still(scene, 1, tmp_path / "still.png"))
    cheek, corner = picture[60:72, 50:56].mean(axis=(0, 1)), picture[-10:, :10].mean(axis=(0, 1))
    # skin is redder than it is blue, the background is not
    assert cheek[0] - cheek[2] > 0.1
    assert corner[0] <= corner[2]


def test_frames_follow_the_animation_and_ignore_the_sequencer(tmp_path: Path) -> None:
    scene = preview.fresh_scene()
    head = create_demo_head(scene)
    preview.set_stage(scene, preview.PreviewSettings(pixels=128))
    neck = head.parent.pose.bones["neck"]
    neck.rotation_mode = "XYZ"
    for frame, turn in ((1, -0.5), (3, 0.5)):
        neck.rotation_euler = (0.0, turn, 0.0)
        neck.keyframe_insert("rotation_euler", frame=frame)
    scene.sequence_editor_create()
    pictures = [_pixels(path) for path in preview.render_frames(scene, 1, 3, tmp_path / "frames")]
    assert len(pictures) == 3
    assert np.abs(pictures[0] - pictures[2]).max() > 0.2


def test_setting_the_stage_twice_adds_nothing() -> None:
    scene = preview.fresh_scene()
    preview.set_stage(scene, preview.PreviewSettings())
    before = len(scene.objects)
    preview.set_stage(scene, preview.PreviewSettings(yaw_degrees=35.0))
    assert len(scene.objects) == before
