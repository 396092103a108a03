# SPDX-License-Identifier: GPL-3.0-or-later
"""One sheet as JSON, made in every way there is with the real engine: the same keys, and every way finds them done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
bpy = pytest.importorskip("bpy", reason="needs Blender's Python module")
from tests.blender.fake_engine import EXTENSION, part  # noqa: E402
from tests.blender.line_keys import line_keys  # noqa: E402
from tests.blender.one_blender import IN_ONE_BLENDER  # noqa: E402
from tests.blender.session_looks import states  # noqa: E402
from tests.blender.sheet_bench import make_edit  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ENGINE = os.environ.get("MIMESH_ENGINE_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
SEED = "7"


@pytest.fixture
def edit(extension: None, tmp_path: Path) -> list[str]:
    """Three lines of two characters, one with an engine of its own; saved with no key, its sheet beside it."""
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.engine_python, preferences.cache_folder = ENGINE, str(tmp_path / "cache")
    names = make_edit(tmp_path, 3)
    scene = bpy.context.scene
    scene.mimesh.seed = int(SEED)
    scene.mimesh_sheet.lines[1].engine = "mimic"
    assert bpy.ops.mimesh.export_sheet(filepath=str(tmp_path / "sheet.json")) == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    return names


def keys_of(names: list[str]) -> dict[str, Any]:
    """Of every line, rounded: its curves, frames and values."""
    found = {}
    for name in names:
        curves, values = line_keys(name)
        assert len(curves) > 100, name
        found[name] = (curves, values.round(4).tolist())
    return found


def outside(*arguments: str) -> str:
    """``python -m core`` in a process of its own, with a Blender of its own."""
    line = [sys.executable, "-m", "core", *arguments, "--python", ENGINE]
    done = subprocess.run(
        line, cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@IN_ONE_BLENDER
def test_one_sheet_gives_the_same_keys_in_every_way_and_is_done_in_all(edit: list[str], tmp_path: Path) -> None:
    sheet, blend = str(tmp_path / "sheet.json"), str(tmp_path / "edit.blend")
    assert bpy.ops.mimesh.import_sheet(filepath=sheet) == {"FINISHED"}
    assert bpy.ops.mimesh.generate_sheet() == {"FINISHED"}
    assert set(states().values()) == {"done"}
    wanted = keys_of(edit)
    assert len({json.dumps(keys) for keys in wanted.values()}) == len(edit)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "panel.blend"))

    # the command line, elsewhere
    outside("sheet", "--rig", blend, "--sheet", sheet, "--seed", SEED, "--out", str(tmp_path / "command.blend"))
    # blender -c mimesh, in the open file
    bpy.ops.wm.open_mainfile(filepath=blend)
    here = ["sheet", "--sheet", sheet, "--seed", SEED, "--out", str(tmp_path / "here.blend"), "--python", ENGINE]
    assert part("operators.command_line").run(here) == 0
    for made in ("command.blend", "here.blend"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / made))
        assert keys_of(edit) == wanted, made
        assert set(states().values()) == {"done"}, made

    # a batch makes a file of each line
    outside("batch", sheet, "--set", f"blend={blend}", "--set", f"seed={SEED}", "--out", str(tmp_path / "rows"))
    rows = sorted((tmp_path / "rows").rglob("*.blend"))
    assert len(rows) == len(edit)
    for row, name in zip(rows, edit, strict=True):
        bpy.ops.wm.open_mainfile(filepath=str(row))
        assert keys_of([name]) == {name: wanted[name]}
        assert states()[name] == "done"

    # and what the panel made is told as done
    told = outside("sheet", "--rig", str(tmp_path / "panel.blend"), "--seed", SEED, "--dry-run", "--json")
    assert [line["state"] for line in json.loads(told.splitlines()[-1])["lines"]] == ["done"] * len(edit)
