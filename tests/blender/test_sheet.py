# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet in a real Blender: one pass over the edit, and exactly what should change changes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import FakeEngine, part  # noqa: E402
from tests.blender.sheet_bench import (  # noqa: E402
    GAP_FRAMES,
    is_shifted,
    line_actions,
    line_digest,
    line_keys,
    make_edit,
    mouth_at,
    move,
    place,
    states,
    tone,
    use_sheet_engine,
)
from tests.pace import pace_seconds  # noqa: E402


@pytest.fixture
def engine(extension: None) -> FakeEngine:
    """See :func:`use_sheet_engine`."""
    return use_sheet_engine()


def test_eight_lines_of_two_characters_in_one_pass(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 8)
    assert set(states().values()) == {"new"}
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    assert len(engine.requests) == 8
    assert set(states().values()) == {"done"}
    assert len({line_digest(name) for name in names}) == 8
    for number, name in enumerate(names):
        first = 11 + GAP_FRAMES * number
        assert any(mouth_at("AB"[number % 2] + ("nna", "en")[number % 2], first + 8)), name
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    assert len(engine.requests) == 8, "what is up to date is not made again"


def test_a_moved_strip_takes_its_keys_along_without_the_engine(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 8)
    bpy.ops.mimesh.generate_sheet()
    before = {name: line_digest(name) for name in names}
    keys = line_keys(names[2])
    pose = mouth_at("Anna", 11 + GAP_FRAMES * 2 + 8)
    move(names[2], 7)
    assert {name for name, state in states().items() if state == "moved"} == {names[2]}
    bpy.ops.mimesh.generate_sheet()
    assert len(engine.requests) == 8
    assert set(states().values()) == {"done"}
    assert is_shifted(keys, names[2], 7)
    assert {n: line_digest(n) for n in names if n != names[2]} == {n: d for n, d in before.items() if n != names[2]}
    assert mouth_at("Anna", 11 + GAP_FRAMES * 2 + 8 + 7) == pose


def test_a_line_may_be_moved_past_another(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 8)
    bpy.ops.mimesh.generate_sheet()
    pose = mouth_at("Anna", 11 + 8)
    before = line_keys(names[0])
    move(names[0], GAP_FRAMES * 3)
    bpy.ops.mimesh.generate_sheet()
    assert is_shifted(before, names[0], GAP_FRAMES * 3)
    assert mouth_at("Anna", 11 + GAP_FRAMES * 3 + 8) == pose
    assert not any(mouth_at("Anna", 11 + 8))


def test_a_changed_sound_is_made_again_and_nothing_else(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    before = {name: line_digest(name) for name in names}
    tone(tmp_path / "line1.wav", 0.2)
    assert {name for name, state in states().items() if state == "sound"} == {names[1]}
    bpy.ops.mimesh.generate_sheet()
    assert len(engine.requests) == 5
    after = {name: line_digest(name) for name in names}
    assert {name for name in names if after[name] != before[name]} == {names[1]}


def test_another_style_or_engine_of_a_line_concerns_that_line_alone(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    place(names[3]).engine = "mimic" if bpy.context.scene.mimesh.engine != "mimic" else "adamesh"
    assert {name for name, state in states().items() if state == "settings"} == {names[3]}
    bpy.context.scene.mimesh.seed = 9
    assert set(states().values()) == {"settings"}


def test_edited_keys_are_told_and_a_locked_line_is_left_alone(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    curve = part("core.blender.compat").action_curves(line_actions(names[0])[0])[3]
    curve.keyframe_points[9].co[1] += 0.5
    assert {name for name, state in states().items() if state == "edited"} == {names[0]}
    place(names[0]).locked = True
    edited = line_digest(names[0])
    bpy.context.scene.mimesh.seed = 5
    bpy.ops.mimesh.generate_sheet()
    assert line_digest(names[0]) == edited
    assert {name for name, state in states().items() if state == "done"} == set(names[1:])


def test_edited_keys_move_with_their_strip_and_stay_edited(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    curve = part("core.blender.compat").action_curves(line_actions(names[0])[0])[3]
    curve.keyframe_points[9].co[1] += 0.5
    curve.update()
    edited = line_keys(names[0])
    move(names[0], -3)
    bpy.ops.mimesh.generate_sheet()
    assert is_shifted(edited, names[0], -3)
    assert states()[names[0]] == "edited"


def test_one_line_that_cannot_be_made_does_not_stop_the_others(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    place(names[1]).character = None
    assert states()[names[1]] == "blocked"
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    result = bpy.context.window_manager.mimesh_run.result
    assert "3 generated, 1 failed" in result
    assert "Choose the character" in result


def test_save_and_reopen_keep_the_sheet_and_its_states(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    bpy.ops.mimesh.generate_sheet()
    place(names[1]).note = "whisper this"
    move(names[2], 4)
    before = states()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "session.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "session.blend"))
    assert states() == before
    assert place(names[1]).note == "whisper this"
    assert len(engine.requests) == 4


def test_the_sheet_goes_out_as_json_and_comes_back(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    place(names[1]).note = "Größer"
    place(names[2]).locked = True
    before = part("core.blender.sheet.properties").lines_of(bpy.context.scene)
    assert bpy.ops.mimesh.export_sheet(filepath=str(tmp_path / "sheet.json")) == {"FINISHED"}
    bpy.context.scene.mimesh_sheet.lines.clear()
    assert bpy.ops.mimesh.import_sheet(filepath=str(tmp_path / "sheet.json")) == {"FINISHED"}
    assert part("core.blender.sheet.properties").lines_of(bpy.context.scene) == before
    text = (tmp_path / "sheet.json").read_text("utf-8").replace('"Ben"', '"Nobody"')
    (tmp_path / "sheet.json").write_text(text, "utf-8")
    with pytest.raises(RuntimeError, match="Nobody"):
        bpy.ops.mimesh.import_sheet(filepath=str(tmp_path / "sheet.json"))
    assert part("core.blender.sheet.properties").lines_of(bpy.context.scene) == before


def test_undo_takes_back_one_pass_after_another(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 4)
    push = bpy.ops.ed.undo_push
    push(message="edit")
    bpy.ops.mimesh.generate_sheet()
    push(message="pass")
    first = {name: line_digest(name) for name in names}
    move(names[2], 4)
    push(message="move")
    bpy.ops.mimesh.generate_sheet()
    push(message="second pass")
    assert line_digest(names[2]) != first[names[2]]
    bpy.ops.ed.undo()
    assert {name: line_digest(name) for name in names} == first
    assert states()[names[2]] == "moved"
    bpy.ops.ed.undo()
    assert states()[names[2]] == "done"
    bpy.ops.ed.undo()
    assert set(states().values()) == {"new"}


def test_two_hundred_lines_are_judged_in_a_second(engine: FakeEngine, tmp_path: Path) -> None:
    names = make_edit(tmp_path, 2)
    scene, watch = bpy.context.scene, part("operators.sheet_watch")
    bpy.ops.mimesh.generate_sheet()
    owner = bpy.data.objects["Anna"].data.shape_keys
    source = line_actions(names[0])[0]
    for number in range(2, 200):
        path = tone(tmp_path / f"more{number}.wav", 0.03 + 0.001 * number)
        item = scene.mimesh_sheet.lines.add()
        item.kind, item.source, item.character = "file", str(path), bpy.data.objects["Anna"]
        item.first_frame = 11 + GAP_FRAMES * number
        # as if made: the same keys under the line's own name
        action = source.copy()
        action["mimesh_line"] = json.dumps({**json.loads(action["mimesh_line"]), "sound": item.source})
        strip = owner.animation_data.nla_tracks.new().strips.new("line", 11 + GAP_FRAMES * number, action)
        if hasattr(strip, "action_slot"):
            strip.action_slot = next(slot for slot in action.slots if slot.target_id_type == "KEY")
    started = time.process_time()
    found = watch.refresh_states(bpy.context)
    # of the processor, since the machine may be busy with something else
    assert time.process_time() - started < 10 * pace_seconds()
    assert len(found) == 200
    assert {status.state for status in found} == {"done", "sound"}
