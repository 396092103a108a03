# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender for ``directing_check.py``: one head with one line, and what an animator breaks by hand.

Everything else of it is ``session_scene.py``'s.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

import bpy  # noqa: E402
import session_scene  # noqa: E402
import ui_scene  # noqa: E402

from tests.blender.fake_engine import part  # noqa: E402
from tests.blender.line_keys import line_curves, line_digest  # noqa: E402

JAW = 'pose.bones["jaw"].rotation_quaternion'


def make_head() -> None:
    """The demo head, and the speech as a strip."""
    for leftover in list(bpy.data.objects):
        if leftover.type == "MESH":
            bpy.data.objects.remove(leftover)
    scene = bpy.context.scene
    scene.sequence_editor_create().sequences.new_sound("talk", str(ui_scene.SPEECH), channel=1, frame_start=1)
    bpy.ops.mimesh.add_demo_head()
    scene.mimesh.speech_kind, scene.mimesh.speech_strip, scene.mimesh.engine = "strip", "talk", "mimic"
    scene.mimesh.reference_kind, scene.frame_end = "none", 250


def show_head() -> None:
    """From the front, without what the eye does not need."""
    ui_scene.show_panel()


def speak(_given: str) -> None:
    """The line, with the real engine."""
    ui_scene.in_window("generate_lip_sync")


def open_lips(given: str) -> None:
    """Hold the jaw open by hand over some of the line's closures, as one step of undo."""
    head = bpy.context.scene.mimesh.target
    wanted = part("core.blender.closure_check").line_closures(head, part("core.blender.kept").find_line(head))
    for closure in [wanted[int(number)] for number in given.split(" ")]:
        for curve in line_curves("talk"):
            if curve.data_path == JAW and curve.array_index in (0, 1):
                for key in curve.keyframe_points:
                    if closure.first - 2 <= round(key.co.x) <= closure.last + 2:
                        key.co.y = (0.98, 0.199)[curve.array_index]
                curve.update()
    bpy.context.scene.timeline_markers.new("mine", frame=wanted[0].middle + 4)
    bpy.ops.ed.undo_push(message="lips opened")


def write_line(_given: str) -> None:
    """The line's keys, sliders and tracks, the frame, and the markers."""
    scene = bpy.context.scene
    head = scene.mimesh.target
    line = part("core.blender.kept").find_line(head)
    keys = head.data.shape_keys.animation_data
    told = {
        "keys": line_digest("talk"),
        "count": sum(len(curve.keyframe_points) for curve in line_curves("talk")),
        "sliders": part("core.blender.adjust_record").line_adjust(line).to_json(),
        "rough": part("core.blender.adjust_record").is_rough(line),
        "tracks": [track.name for track in keys.nla_tracks],
        "markers": sorted([marker.name, marker.frame] for marker in scene.timeline_markers),
        "frame": scene.frame_current,
        "influence": scene.mimesh_layers.face,
    }
    (ui_scene.TALK / "look.json").write_text(json.dumps(told))


def choose_range(given: str) -> None:
    """Frames for a retake."""
    scene = bpy.context.scene
    scene.use_preview_range, (scene.frame_preview_start, scene.frame_preview_end) = True, map(int, given.split(" "))
    scene.frame_set(scene.frame_preview_start)
    bpy.ops.ed.undo_push(message="range")


ui_scene.more_commands.update({"speak": speak, "open": open_lips, "line": write_line, "frames": choose_range})
ui_scene.to_prepare[:] = [make_head, ui_scene.open_all, show_head, ui_scene.choose_tab]
assert session_scene.LINES  # its commands are there as well
