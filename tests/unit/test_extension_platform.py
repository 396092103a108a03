# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/extension-platform.md answers to the platform's points, where no Blender is needed to see it."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extension-platform.md").read_text(encoding="utf-8")
MANIFEST = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
IN_BLENDER = [
    ROOT / "__init__.py",
    *(path for room in ("operators", "panels", "core") for path in (ROOT / room).rglob("*.py")),
]
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| point")]


def test_every_point_has_an_answer_and_every_proof_exists() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        point, answer, proof = (cell.strip() for cell in row.strip("|").split(" | "))
        assert point and answer, row
        for name in re.findall(r"`(test_\w+\.py)`", proof):
            assert list((ROOT / "tests").rglob(name)), f"{name} is no test"


def test_no_answer_is_a_plain_no_or_not_yet() -> None:
    answers = [row.split(" | ")[1].strip() for row in ROWS]
    assert [answer for answer in answers if answer.lower().startswith(("no:", "no,", "**no", "**not yet"))] == []


def test_the_name_has_no_blender_in_it_and_no_value_is_empty() -> None:
    assert "blender" not in MANIFEST["name"].lower() and "blender" not in MANIFEST["id"]
    assert all(value not in ("", []) for value in MANIFEST.values())


def test_each_permission_has_one_line_without_a_full_stop() -> None:
    assert set(MANIFEST["permissions"]) == {"files", "network"}
    for reason in (*MANIFEST["permissions"].values(), MANIFEST["tagline"]):
        assert 0 < len(reason) <= 64 and not reason.endswith((".", "!", "?"))


def test_nothing_in_the_zip_is_byte_code_or_a_program() -> None:
    known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    shipped = [name for name in known if name.startswith(("core/", "operators/", "panels/", "vendor_models/"))]
    assert [
        name for name in shipped if Path(name).suffix in (".pyc", ".so", ".dll", ".pyd", ".exe", ".pkl", ".pt")
    ] == []


@pytest.mark.parametrize("path", IN_BLENDER, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_blenders_path_and_modules_are_left_alone_and_imports_are_relative(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "path" and isinstance(node.value, ast.Name):
            assert node.value.id != "sys" or path.parts[-2] == "engine", f"{path.name} touches sys.path"
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert (node.module or "").split(".")[0] not in ("core", "operators", "panels"), ast.unparse(node)
        if isinstance(node, ast.Assign):
            assert "bl_info" not in ast.unparse(node.targets[0])


def test_a_key_of_blenders_is_never_taken() -> None:
    for room in ("operators", "panels"):
        for path in (ROOT / room).glob("*.py"):
            assert "keymap_items.new" not in path.read_text(encoding="utf-8"), path.name
    prefixes = [
        node.name
        for room in ("operators", "panels")
        for path in (ROOT / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any("bpy.types" in ast.unparse(base) for base in node.bases)
        # what is only inherited from is never registered
        and "bl_idname" in ast.unparse(node)
    ]
    assert prefixes and [name for name in prefixes if not re.match(r"_?(MIMESH_|Mimesh)", name)] == []
