# SPDX-License-Identifier: GPL-3.0-or-later
"""Which room may import which, as a table: an import against it fails here.

Run as a program it writes the table into docs/architecture.md.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PRODUCT = sorted(path for folder in ("core", "operators", "panels") for path in (ROOT / folder).rglob("*.py"))
BASE = {"core"}  # core/*.py: settings, errors, files, weights
# every room with the rooms that it may import beside itself; what runs where is told in docs/architecture.md
ARROWS: dict[str, set[str]] = {
    "core": set(),
    "core.face": BASE,
    "core.audio": BASE,
    "core.style": {*BASE, "core.face"},
    "core.pose": {*BASE, "core.face", "core.style"},
    "core.rig": {*BASE, "core.face"},
    "core.direct": {*BASE, "core.face", "core.rig"},
    "core.tracking": {*BASE, "core.face", "core.audio"},
    "core.arkit": {*BASE, "core.face", "core.rig", "core.tracking"},
    "core.exchange": {*BASE, "core.face", "core.style", "core.pose", "core.tracking"},
    "core.client": {*BASE, "core.exchange", "core.style", "core.pose", "core.tracking"},
    "core.blender": {
        *(*BASE, "core.face", "core.rig", "core.direct", "core.style", "core.pose"),
        *("core.arkit", "core.exchange", "core.client"),
    },
    "core.models": BASE,
    "core.models.speech": {*BASE, "core.models", "core.audio"},
    "core.models.nn": {*BASE, "core.models", "core.face", "core.audio", "core.models.speech"},
    "core.models.affine": {*BASE, "core.face", "core.audio", "core.style", "core.tracking"},
    "core.models.eyes": {*BASE, "core.face", "core.audio", "core.style", "core.tracking"},
    "core.models.adamesh": {
        *(*BASE, "core.models", "core.models.affine", "core.models.nn", "core.models.speech"),
        *("core.face", "core.audio", "core.style", "core.tracking"),
    },
    "core.models.mimic": {
        *(*BASE, "core.models", "core.models.nn", "core.models.speech"),
        *("core.face", "core.audio", "core.style"),
    },
    "core.models.pose": {*BASE, "core.models.speech", "core.face", "core.audio", "core.style", "core.pose"},
    "core.engine": {
        *(*BASE, "core.face", "core.audio", "core.style", "core.pose", "core.tracking", "core.exchange"),
        *("core.models", "core.models.nn", "core.models.speech", "core.models.affine", "core.models.eyes"),
        *("core.models.adamesh", "core.models.mimic", "core.models.pose", "core.arkit"),
    },
    "core.batch": {*BASE, "core.face", "core.exchange", "core.style"},
    "core.cli": {
        *(*BASE, "core.face", "core.style", "core.tracking", "core.arkit"),
        *("core.exchange", "core.client", "core.engine", "core.blender", "core.batch"),
    },
    "operators": {*BASE, "core.blender", "core.cli", "core.client", "core.exchange", "core.style", "core.pose"},
    "panels": {*BASE, "operators"},
    # `python -m core`
    "core.__main__": {"core.cli"},
}
# model code may import torch at its top; everything else only inside functions
TORCH_ROOMS = {"core.models.adamesh", "core.models.mimic", "core.models.nn", "core.models.pose"}
TORCH_FILES = {f"core/models/speech/{name}.py" for name in ("phonetic_network", "noise_network", "hubert")}


def room_of(module: str) -> str | None:
    """The longest room that the dotted name lies in; None for what is none of ours."""
    parts = module.split(".")
    names = (".".join(parts[:size]) for size in range(len(parts), 0, -1))
    return next((name for name in names if name in ARROWS), None)


def imported_modules(source: str, package: str) -> Iterator[str]:
    """Full dotted names of what the source of a module in ``package`` imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def forbidden_imports(source: str, package: str) -> list[str]:
    """What a module in ``package`` imports against the table."""
    room = room_of(package)
    assert room is not None, f"{package} lies in no room: add it to the table"
    found = ((name, room_of(name)) for name in imported_modules(source, package))
    strangers = [name for name in imported_modules(source, package) if name.split(".")[0] in ("research", "tests")]
    return [name for name, target in found if target not in (None, room, *ARROWS[room])] + strangers


def arrows_table() -> str:
    """The table as docs/architecture.md shows it."""
    rows = (f"| `{room}` | {', '.join(f'`{name}`' for name in sorted(ARROWS[room])) or '-'} |" for room in ARROWS)
    return "\n".join(["| room | may import |", "|---|---|", *rows])


def with_arrows(page: str) -> str:
    """The page with its table of arrows made anew."""
    before, _, rest = page.partition("<!-- arrows")
    mark, _, rest = rest.partition("-->")
    after = rest.partition("<!-- end of arrows -->")[2]
    return f"{before}<!-- arrows{mark}-->\n{arrows_table()}\n<!-- end of arrows -->{after}"


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts if parts[-1] == "__main__" else parts[:-1])


def _top_level_imports(path: Path) -> set[str]:
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_them = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level and node.module}
    return {name.split(".")[0] for name in named | from_them}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_import_follows_the_table(path: Path) -> None:
    assert forbidden_imports(path.read_text(encoding="utf-8"), package_of(path)) == []


@pytest.mark.parametrize(
    ("source", "package"),
    [
        ("from ..adamesh.network import Subsampler", "core.models.mimic"),
        ("from ...engine.loaded import x", "core.models.nn"),
        ("from ..client.client import EngineClient", "core.engine"),
        ("def late():\n    from ..rig import solve", "core.style"),
        ("from ... import operators", "core.blender"),
        ("from ..core.engine.worker import Worker", "operators"),
        ("import research.demo", "core.cli"),
    ],
)
def test_an_import_against_the_table_is_found(source: str, package: str) -> None:
    assert forbidden_imports(source, package)


def test_the_architecture_page_shows_this_table() -> None:
    page = ARCHITECTURE.read_text(encoding="utf-8")
    assert page == with_arrows(page), "run: python tests/unit/test_imports.py"


def test_the_table_has_no_circle() -> None:
    remaining = {room: set(targets) for room, targets in ARROWS.items()}
    while free := [room for room, targets in remaining.items() if not targets & set(remaining)]:
        for room in free:
            del remaining[room]
    assert remaining == {}


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_core_blender_imports_bpy(path: Path) -> None:
    if package_of(path).startswith("core.blender"):
        return
    imported = {name.split(".")[0] for name in imported_modules(path.read_text(encoding="utf-8"), package_of(path))}
    assert not {"bpy", "bmesh", "bpy_extras", "mathutils"} & imported


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_is_never_imported_at_the_top_outside_models(path: Path) -> None:
    if room_of(package_of(path)) in TORCH_ROOMS or path.relative_to(ROOT).as_posix() in TORCH_FILES:
        return
    assert not {"torch", "mediapipe", "librosa", "av"} & _top_level_imports(path)


@pytest.mark.parametrize(
    "room",
    [
        "core",
        "core/face",
        "core/rig",
        "core/arkit",
        "core/style",
        "core/pose",
        "core/exchange",
        "core/client",
        "core/batch",
        "core/models/eyes",
    ],
)
def test_rooms_that_blender_enters_import_without_the_engine_packages(room: str) -> None:
    names = [path.stem for path in (ROOT / room).glob("*.py") if path.stem not in ("__init__", "__main__")]
    modules = [f"{room.replace('/', '.')}.{name}" for name in names]
    code = (
        "import sys, importlib\n"
        "for name in ('torch', 'av', 'mediapipe', 'librosa', 'bpy', 'scipy'): sys.modules[name] = None\n"
        f"[importlib.import_module(name) for name in {modules!r}]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    ARCHITECTURE.write_text(with_arrows(ARCHITECTURE.read_text(encoding="utf-8")), encoding="utf-8")
