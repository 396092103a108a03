# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's session from end to end: eight lines, two characters, and after each step exactly what should change.

With ``MIMESH_SESSION_ENGINE=real`` the bundled networks speak instead of the tests' fake.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import EXTENSION, FakeEngine, part  # noqa: E402
from tests.blender.line_keys import keys_between, line_keys  # noqa: E402
from tests.blender.session_looks import artists_keys, edit_keys, look_at_lines, states  # noqa: E402
from tests.blender.sheet_bench import GAP_FRAMES, SECONDS, is_shifted, make_edit, move, tone, use_sheet_engine  # noqa: E402

REAL = os.environ.get("MIMESH_SESSION_ENGINE") == "real"
ROOT = Path(__file__).resolve().parents[2]
LINES = 8


@pytest.fixture
def engine(extension: None, tmp_path: Path) -> Iterator[FakeEngine | None]:
    """The tests' fake, or none where the real one speaks."""
    bpy.context.preferences.edit.use_global_undo = True
    bpy.context.preferences.edit.undo_steps = 64
    part("core.blender.adjust_ready").forget_prepared()
    if not REAL:
        yield use_sheet_engine()
        return
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.engine_python = os.environ.get("MIMESH_ENGINE_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
    preferences.cache_folder = str(tmp_path / "cache")
    yield None


@dataclass
class Session:
    """The edit, and what it looked like after each step."""

    names: list[str]
    looks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def look(self) -> dict[str, Any]:
        """See :func:`look_at_lines`."""
        return look_at_lines(self.names)

    def step(self, name: str, *changes: str) -> None:
        """End a step: an undo push, and only the keys of these lines are other than before."""
        bpy.ops.ed.undo_push(message=name)
        look = self.look()
        if self.looks:
            before = self.looks[-1][1]["keys"]
            assert {line for line in self.names if look["keys"][line] != before[line]} == set(changes), name
        self.looks.append((name, look))


def slide(face: str, line: str, **values: float) -> None:
    """Drag sliders of a line."""
    scene = bpy.context.scene
    scene.mimesh.target, scene.mimesh_adjust.line = bpy.data.objects[face], line
    for name, value in values.items():
        setattr(scene.mimesh_adjust, name, value)


def retake(face: str, first: int, last: int, number: int) -> None:
    """Make takes of some frames and accept one of them."""
    scene = bpy.context.scene
    scene.mimesh.target, scene.use_preview_range = bpy.data.objects[face], True
    scene.frame_preview_start, scene.frame_preview_end = first, last
    assert bpy.ops.mimesh.retake() == {"FINISHED"}
    assert bpy.ops.mimesh.show_take(number=number) == {"FINISHED"}
    assert bpy.ops.mimesh.accept_take() == {"FINISHED"}


def cut_real_speech(folder: Path) -> Path:
    """In the place of the lines' tones; gives another sound."""
    from tests.speech_pieces import write_pieces

    return write_pieces(ROOT / "demo" / "input" / "speech.ogg", folder, SECONDS)["other"]


def run_session(folder: Path, engine: FakeEngine | None) -> Session:
    """The whole pass; each step says which lines' keys it may change."""
    names = make_edit(folder, LINES)
    other = cut_real_speech(folder) if REAL else None
    session = Session(names)
    session.step("the edit")
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    session.step("one pass", *names)
    assert len(set(session.looks[-1][1]["keys"].values())) == LINES

    keys = line_keys(names[2])
    move(names[2], 7)
    session.step("a strip moved")
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    session.step("its keys moved", names[2])
    assert is_shifted(keys, names[2], 7)

    if other is None:
        tone(folder / "line5.wav", 0.21)
    else:
        shutil.copyfile(other, folder / "line5.wav")
    assert {name for name, state in states().items() if state == "sound"} == {names[5]}
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    session.step("a changed sound", names[5])
    if engine is not None:
        assert len(engine.requests) == LINES + 1

    edit_keys(names[0], 5, 12)
    edit_keys(names[3], 5, 15)
    session.step("ten keys by hand", names[0], names[3])
    assert {name for name, state in states().items() if state == "edited"} == {names[0], names[3]}

    slide("Anna", names[0], mouth=1.4)
    session.step("the first slider", names[0])
    slide("Ben", names[1], smoothing_ms=80.0)
    session.step("the second slider", names[1])

    first = 11 + GAP_FRAMES * 3
    outside, inside = keys_between(names[3], first + 6, first + 18)
    retake("Ben", first + 6, first + 18, 2)
    session.step("a retake", names[3])
    after = keys_between(names[3], first + 6, first + 18)
    assert after[0] == outside
    assert after[1] != inside
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    session.step("nothing is left to do")
    return session


def test_exactly_what_should_change_changes_and_ten_keys_stay(engine: FakeEngine | None, tmp_path: Path) -> None:
    session = run_session(tmp_path, engine)
    edited = [look["theirs"] for name, look in session.looks[5:]]
    assert sum(map(len, edited[0].values())) == 10
    assert all(found == edited[0] for found in edited)


def test_undo_walks_back_step_by_step_and_redo_forth(engine: FakeEngine | None, tmp_path: Path) -> None:
    session = run_session(tmp_path, engine)
    # the file of a sound is no matter of Blender's undo
    for name, look in reversed(session.looks[:-1]):
        bpy.ops.ed.undo()
        now = session.look()
        assert {part: now[part] for part in now if part != "states"} == {
            part: look[part] for part in look if part != "states"
        }, name
    for name, look in session.looks[1:]:
        bpy.ops.ed.redo()
        assert session.look()["keys"] == look["keys"], name
    assert session.look() == session.looks[-1][1]


def test_save_and_reopen_keep_all_and_work_goes_on(engine: FakeEngine | None, tmp_path: Path) -> None:
    session = run_session(tmp_path, engine)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "session.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "session.blend"))
    part("core.blender.adjust_ready").forget_prepared()
    assert session.look() == session.looks[-1][1]
    bpy.ops.ed.undo_push(message="reopened")
    names = session.names
    slide("Anna", names[0], mouth=1.0)
    session.step("a slider after reopening", names[0])
    bpy.ops.ed.undo()
    assert session.look() == session.looks[-2][1]
    bpy.ops.ed.redo()
    move(names[0], -3)
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    theirs = session.looks[-1][1]["theirs"][names[0]]
    assert artists_keys(names[0]) == [[path, index, frame - 3, value] for path, index, frame, value in theirs]
