# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender for ``session_check.py``: two heads, eight lines of speech, and what an animator edits.

Everything else of it is ``ui_scene.py``'s; digests of keys are those of the tests in bpy.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

import bpy  # noqa: E402
import ui_scene  # noqa: E402

from tests.blender.line_keys import keys_between  # noqa: E402
from tests.blender.session_looks import FACES, edit_keys, look_at_lines  # noqa: E402

LINES, GAP_FRAMES = 8, 48
_undone = 0


def make_edit() -> None:
    """Anna and Ben side by side; lines in turn, each strip on its speaker's channel."""
    for leftover in list(bpy.data.objects):
        if leftover.type == "MESH":
            bpy.data.objects.remove(leftover)
    scene = bpy.context.scene
    scene.frame_end = 11 + GAP_FRAMES * LINES
    for number, name in enumerate(FACES):
        bpy.ops.mimesh.add_demo_head()
        head = scene.mimesh.target
        head.name = name
        head.parent.location.x = 0.36 * number
    scene.mimesh.reference_kind, scene.mimesh.reference_file = "file", str(ui_scene.REFERENCE)
    scene.mimesh.engine = "mimic"
    editor = scene.sequence_editor_create()
    for number in range(LINES):
        path = ui_scene.TALK / f"line{number}.wav"
        first = 11 + GAP_FRAMES * number
        editor.sequences.new_sound(path.stem, str(path), channel=1 + number % 2, frame_start=first)
    for number, name in enumerate(FACES):
        editor.channels[1 + number].name = name


def names() -> list[str]:
    """The lines' strips."""
    return [f"line{number}" for number in range(LINES)]


def write_look(_given: str) -> None:
    """For the robot, which has no Python of ours."""
    (ui_scene.TALK / "look.json").write_text(json.dumps(look_at_lines(names())))


def step(command: str) -> None:
    """A change by the animator's hand, as one step of undo."""
    what, *given = command.split(" ")
    if what == "move":
        strip = bpy.context.scene.sequence_editor.sequences[given[0]]
        strip.frame_start += int(given[1])
    elif what == "edit":
        for place, line in enumerate(given):
            edit_keys(line, 5, 12 + 3 * place)
    bpy.ops.ed.undo_push(message=command)


def change_sound(line: str) -> None:
    """Another recording under the same name: no matter of Blender's undo."""
    shutil.copyfile(ui_scene.TALK / "other.wav", ui_scene.TALK / f"{line}.wav")


def focus(given: str) -> None:
    """Choose a face, a line for the sliders, and frames for a retake."""
    face, line, *frames = given.split(" ")
    scene = bpy.context.scene
    scene.mimesh.target, scene.mimesh_adjust.line = bpy.data.objects[face], line
    if frames:
        scene.use_preview_range, (scene.frame_preview_start, scene.frame_preview_end) = True, map(int, frames)
        scene.frame_set(int(frames[0]))
    bpy.ops.ed.undo_push(message=f"focus {given}")


def write_range(given: str) -> None:
    """Digests of a line's keys outside and inside of some frames."""
    line, first, last = given.split(" ")
    (ui_scene.TALK / "look.json").write_text(json.dumps(keys_between(line, float(first), float(last))))


def forget_result(_given: str) -> None:
    """So that the next run's is known for its own."""
    bpy.context.window_manager.mimesh_run.result = ""


def save_and_reopen(_given: str) -> None:
    """As a user goes home and comes back."""
    path = str(ui_scene.TALK / "session.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)


@bpy.app.handlers.persistent
def count_undo(*_given: object) -> None:
    """One more step back or forth."""
    global _undone
    _undone += 1


def show_heads() -> None:
    """Both heads from the front."""
    window, area = bpy.context.window_manager.windows[0], ui_scene.viewport()
    area.spaces.active.show_region_ui = True
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.object.select_all(action="DESELECT")
        for name in FACES:
            bpy.data.objects[name].select_set(True)
        bpy.context.view_layer.objects.active = bpy.data.objects[FACES[0]]
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()


ui_scene.more_commands.update(
    {
        "look": write_look,
        "range": write_range,
        "step": step,
        "sound": change_sound,
        "focus": focus,
        "forget_result": forget_result,
        "save_and_reopen": save_and_reopen,
    }
)
ui_scene.more_state["undone"] = lambda: _undone
for found in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
    found.append(count_undo)
ui_scene.to_prepare[:] = [make_edit, ui_scene.open_all, show_heads, ui_scene.choose_tab]
