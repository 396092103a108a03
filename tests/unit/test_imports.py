# SPDX-License-Identifier: GPL-3.0-or-later
"""The direction of imports, read from the source: nobody can break it without this failing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
# model code may import torch at its top; everything else only inside functions
TORCH_ALLOWED = ("adamesh", "mimic", "pose", "training", "evaluation")
TORCH_FILES = ("speech/phonetic_network.py", "speech/hubert.py")


def _imports(path: Path, top_level_only: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def _room(path: Path) -> str:
    return path.relative_to(CORE).parts[0]


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_core_blender_imports_bpy(path: Path) -> None:
    if _room(path) == "blender":
        return
    forbidden = {"bpy", "bmesh", "bpy_extras", "mathutils"}
    assert not forbidden & set(_imports(path, top_level_only=_room(path) in ("demo.py",)))


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_torch_is_never_imported_at_the_top_outside_models(path: Path) -> None:
    if _room(path) in TORCH_ALLOWED or path.relative_to(CORE).as_posix() in TORCH_FILES:
        return
    assert not {"torch", "mediapipe", "librosa", "av"} & set(_imports(path, top_level_only=True))


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_never_reaches_above_itself(path: Path) -> None:
    depth = len(path.relative_to(CORE).parts)
    levels = [n.level for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    assert max(levels, default=0) <= depth
    assert "operators" not in path.read_text().split("import ")[0]


@pytest.mark.parametrize("room", ["face", "rig", "eyes", "engine"])
def test_numpy_only_rooms_import_without_the_engine_packages(room: str) -> None:
    modules = [f"core.{room}.{p.stem}" for p in (CORE / room).glob("*.py") if p.stem not in ("__init__", "worker")]
    code = (
        "import sys, importlib\n"
        "for name in ('torch', 'av', 'mediapipe', 'librosa', 'bpy', 'scipy'): sys.modules[name] = None\n"
        f"[importlib.import_module(name) for name in {modules!r}]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
