# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in steps: its scene is looked up again after each pause (an undo leaves one that is no more), Blender never
repeats it by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "core" / "blender").rglob("*.py"))


def stale_scenes(source: str) -> list[int]:
    """Lines on which a generator uses its parameter ``scene`` after a yield, without having looked it up anew."""
    found = []
    for function in ast.walk(ast.parse(source)):
        # work in steps says so in its annotation; other generators are drained at once
        steps = isinstance(function, ast.FunctionDef) and "Steps" in ast.unparse(function.returns or ast.Constant(0))
        if steps and "scene" in {argument.arg for argument in function.args.args}:
            found += _stale_in(function)
    return found


def _stale_in(function: ast.FunctionDef) -> list[int]:
    nodes = [node for node in ast.walk(function) if hasattr(node, "lineno")]
    yields = [node.end_lineno for node in nodes if isinstance(node, ast.Yield | ast.YieldFrom)]
    names = [node for node in nodes if isinstance(node, ast.Name) and node.id == "scene"]
    again = [node.lineno for node in names if isinstance(node.ctx, ast.Store)]
    return [
        node.lineno
        for node in names
        if isinstance(node.ctx, ast.Load)
        and any(end < node.lineno and not any(end < line < node.lineno for line in again) for end in yields)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_scene_is_looked_up_again_after_a_pause(path: Path) -> None:
    assert stale_scenes(path.read_text(encoding="utf-8")) == []


def test_a_stale_scene_is_found() -> None:
    stale = "def steps(scene) -> Steps:\n    name = scene.name\n    yield 1\n    read(scene)\n"
    assert stale_scenes(stale) == [4]
    assert stale_scenes(stale.replace("    read", "    scene = find(name)\n    read")) == []


def test_work_in_steps_is_never_repeated_by_blender_itself() -> None:
    """Repeat Last and Adjust Last Operation call ``execute``, which stops Blender until the work is done."""
    found = []
    for path in sorted((ROOT / "operators").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and any("SteppedOperator" in ast.unparse(base) for base in node.bases):
                text = ast.unparse(node)
                found.append(node.name)
                assert "'REGISTER'" not in text, f"{path.name}: {node.name}"
    assert len(found) > 5
