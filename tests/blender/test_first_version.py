# SPDX-License-Identifier: GPL-3.0-or-later
"""The first version of a line: on the face while the engine learns the person, then replaced or taken back."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.builders import snapshot  # noqa: E402
from tests.blender.fake_engine import FakeEngine, failing, part, talking, use_engine, wav_file  # noqa: E402


@pytest.fixture
def ready(ready: Any) -> Any:
    """One click away, at a frame where the mouth will be open."""
    bpy.context.scene.frame_set(7)
    return ready


def quiet(request: Any) -> Any:
    """A first version: the jaw opens half as far, and its provenance says what it is."""
    made = talking(request)
    motion = made.motion.replace(jaw=0.5 * made.motion.jaw, expression=0.5 * made.motion.expression)
    return dataclasses.replace(
        made, motion=motion, provenance=dataclasses.replace(made.provenance, first_version=True)
    )


def in_window(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> FakeEngine:
    """The button behaves as with a window, and this engine answers."""
    monkeypatch.setattr(part("operators.generate").MIMESH_OT_generate_lip_sync, "in_window", True)
    return use_engine(engine)


class Run:
    """A run in the hands of a test: ``until_shown`` takes it to where the first version is on the face."""

    def __init__(self, settings: Any, engine: FakeEngine) -> None:
        self.first = part("core.blender.first_keys").FirstKeys()
        request = part("operators.properties").freeze_settings(settings)
        self.steps = part("core.blender.sheet.generate_all").noted_steps(
            bpy.context.scene, request, engine, part("operators.sheet_watch").file_digests(), (), self.first
        )

    def until_shown(self) -> str:
        for status in self.steps:
            if status.stage.startswith("Playable now"):
                return status.stage
        raise AssertionError("no first version came")

    def to_the_end(self) -> Any:
        while True:
            try:
                next(self.steps)
            except StopIteration as finished:
                return finished.value


def kinds() -> list[bool]:
    """Of each action of ours whether it is a first version."""
    return [json.loads(a["mimesh"]).get("first_version", False) for a in bpy.data.actions if "mimesh" in a]


def jaw(frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return float(bpy.data.objects["MimeshHeadRig"].pose.bones["jaw"].matrix_basis.to_euler().x)


def curves() -> list[Any]:
    """The face's curves of the line that plays."""
    data = next(k for k in bpy.data.shape_keys if k.animation_data and k.animation_data.action).animation_data
    found = part("core.blender.compat").owner_curves(data.id_data)
    return sorted(found, key=lambda curve: (curve.data_path, curve.array_index))


def test_the_first_version_plays_and_the_learnt_one_takes_its_place(ready: Any) -> None:
    run = Run(ready, FakeEngine(talking, first=quiet))
    assert run.until_shown() == "Playable now; learning the style"
    assert set(kinds()) == {True}
    half = jaw(7)
    assert half > 0.02
    report = run.to_the_end()
    assert set(kinds()) == {False}
    assert jaw(7) == pytest.approx(2 * half, rel=0.05)
    # nothing of it is left, neither as an action nor in what is kept
    assert sorted(report.actions) == sorted(action.name for action in bpy.data.actions)
    kept = part("core.blender.kept")
    (line,) = kept.kept_lines(bpy.data.objects[bpy.context.scene.mimesh.target.name])
    assert kept.load(line).motion.jaw.max() == pytest.approx(0.2, abs=1e-3)


def test_with_and_without_a_first_version_the_scene_is_the_same(ready: Any) -> None:
    Run(ready, FakeEngine(talking, first=quiet)).to_the_end()
    with_first = snapshot()
    bpy.ops.mimesh.clear_animation()
    Run(ready, FakeEngine(talking)).to_the_end()
    assert snapshot() == with_first


@pytest.mark.parametrize(
    "earlier", ["nothing", "line", "edited line", "line in layers", "another line", "artist's action"]
)
def test_cancelled_in_between_the_face_is_as_before(ready: Any, earlier: str) -> None:
    if "line" in earlier:
        Run(ready, FakeEngine(talking)).to_the_end()
    if earlier == "line in layers":
        assert bpy.ops.mimesh.layer_line() == {"FINISHED"}
    if earlier == "another line":
        ready.speech_file = str(wav_file(Path(ready.speech_file).with_name("other.wav"), 3.0))
        bpy.context.scene.frame_start = 80
        bpy.context.scene.frame_set(87)
    if earlier == "edited line":
        curves()[2].keyframe_points[12].co[1] += 0.3
        curves()[2].update()
    elif earlier == "artist's action":
        ready.on_existing = "push_down"
        block = ready.target.data.shape_keys.key_blocks[1]
        for frame, value in ((1, 0.1), (30, 0.4)):
            block.value = value
            block.keyframe_insert("value", frame=frame)
        bpy.context.scene.frame_set(7)
    before = snapshot()
    run = Run(ready, FakeEngine(talking, first=quiet))
    run.until_shown()
    assert True in kinds()
    run.steps.close()
    assert snapshot() == before


def test_an_engine_that_dies_in_between_leaves_the_face_as_before(ready: Any) -> None:
    before = snapshot()
    answer = failing("engine", "The engine stopped half-way.", "Nothing was changed; try again.")
    run = Run(ready, FakeEngine(answer, first=quiet))
    run.until_shown()
    with pytest.raises(part("core.errors").MimeshError, match="stopped half-way"):
        run.to_the_end()
    assert snapshot() == before


def test_a_key_moved_on_the_first_version_goes_into_the_learnt_one(ready: Any) -> None:
    run = Run(ready, FakeEngine(talking, first=quiet))
    run.until_shown()
    name, key = curves()[3].data_path, curves()[3].keyframe_points[20]
    key.co[1] += 0.4
    key.type = "EXTREME"
    curves()[3].update()
    frame, value = tuple(key.co)
    run.to_the_end()
    (curve,) = [curve for curve in curves() if curve.data_path == name]
    assert [tuple(k.co) for k in curve.keyframe_points if k.type == "EXTREME"] == [(frame, pytest.approx(value))]
    assert set(kinds()) == {False}


def test_work_on_the_first_version_is_not_lost_by_a_cancel(ready: Any) -> None:
    run = Run(ready, FakeEngine(talking, first=quiet))
    run.until_shown()
    assert run.first.stays() == ""
    curves()[3].keyframe_points[20].co[1] += 0.4
    assert "first version stays" in run.first.stays() and "Generate again" in run.first.stays()
    run.steps.close()
    assert set(kinds()) == {True} and jaw(7) > 0.02


def test_after_an_error_the_sentence_says_that_edited_keys_stay(ready: Any) -> None:
    run = Run(ready, FakeEngine(failing("engine", "The engine stopped.", "Nothing was changed."), first=quiet))
    run.until_shown()
    curves()[3].keyframe_points[20].co[1] += 0.4
    with pytest.raises(part("core.errors").MimeshError) as caught:
        run.to_the_end()
    assert "first version stays" in caught.value.hint and "Nothing was changed" not in str(caught.value)


def test_one_undo_takes_back_the_whole_run(ready: Any) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    before = snapshot()
    Run(bpy.context.scene.mimesh, FakeEngine(talking, first=quiet)).to_the_end()
    bpy.ops.ed.undo_push(message="generated")
    bpy.ops.ed.undo()
    assert snapshot() == before
    bpy.ops.ed.redo()
    assert set(kinds()) == {False}


def test_an_undo_in_between_takes_the_first_version_and_the_learnt_one_still_comes(ready: Any) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    run = Run(bpy.context.scene.mimesh, FakeEngine(talking, first=quiet))
    run.until_shown()
    bpy.ops.ed.undo_push(message="something of the artist's")
    bpy.ops.ed.undo()
    assert kinds() == [] and run.first.stays() == ""
    bpy.ops.ed.redo()
    assert set(kinds()) == {True} and "stays" in run.first.stays()
    run.to_the_end()
    assert set(kinds()) == {False}


def test_the_sheet_takes_a_first_version_for_no_finished_line(ready: Any) -> None:
    Run(ready, FakeEngine(talking)).to_the_end()
    curves()[2].keyframe_points[12].co[1] += 0.3
    run = Run(ready, FakeEngine(talking, first=quiet))
    run.until_shown()
    first = [a for a in bpy.data.actions if json.loads(a["mimesh"]).get("first_version")]
    assert first and not any("mimesh_made" in action for action in first)
    run.to_the_end()
    assert all("mimesh_made" in action for action in bpy.data.actions)


def test_without_a_window_nobody_asks_for_a_first_version(ready: Any) -> None:
    def never(request: Any) -> Any:
        raise AssertionError("nobody would see it")

    engine = FakeEngine(talking, first=never)
    use_engine(engine)
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert set(kinds()) == {False}


def test_with_a_window_the_button_asks_for_one(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def noted(request: Any) -> Any:
        asked.append(request)
        return quiet(request)

    in_window(monkeypatch, FakeEngine(talking, first=noted))
    assert bpy.ops.mimesh.generate_lip_sync() == {"FINISHED"}
    assert len(asked) == 1 and set(kinds()) == {False}
