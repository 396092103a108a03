# SPDX-License-Identifier: GPL-3.0-or-later
"""The built zip in a fresh Blender: installs, enables, registers fast and without torch, and leaves again."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pace import pace_seconds

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# of the machine's pace (tests/pace.py); 4 with every file compiled anew, torch alone would be 20
REGISTER_PACES = 8

# runs in a Blender of its own, with heavy packages made unimportable
PROBE = """
import importlib.abc, json, sys, time

class Forbid(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "librosa", "av", "mediapipe", "scipy"}:
            raise ImportError(f"{name} must not be needed inside Blender")

sys.meta_path.insert(0, Forbid())
import bpy, addon_utils

name = "bl_ext.user_default.mimesh"
installed = bpy.ops.extensions.package_install_files(
    filepath=sys.argv[1], repo="user_default", enable_on_install=False
)
# processor time: what else the machine is doing must not decide
started = time.process_time()
module = addon_utils.enable(name, default_set=True)
seconds = time.process_time() - started
registered = [
    hasattr(bpy.types, "MIMESH_OT_generate_lip_sync"),
    hasattr(bpy.types, "MIMESH_PT_lip_sync"),
    hasattr(bpy.types.Scene, "mimesh"),
    name in bpy.context.preferences.addons,
]
ours = [key for key in sys.modules if key.startswith(name)]
# as if a run were under way
bpy.context.window_manager.mimesh_run.running = True
bpy.ops.preferences.addon_disable(module=name)
left = [key for key in dir(bpy.types) if key.startswith(("MIMESH_", "Mimesh"))]
left += [hasattr(bpy.types.Scene, "mimesh")] * hasattr(bpy.types.Scene, "mimesh")
again = addon_utils.enable(name, default_set=True) is not None
idle = not bpy.context.window_manager.mimesh_run.running
bpy.ops.preferences.addon_disable(module=name)
removed = bpy.ops.extensions.package_uninstall(
    repo_index=[repo.module for repo in bpy.context.preferences.extensions.repos].index("user_default"),
    pkg_id="mimesh",
)
print("PROBE" + json.dumps({
    "installed": list(installed), "enabled": module is not None, "seconds": seconds, "registered": registered,
    "imported": ours, "left": left, "again": again, "idle": idle, "removed": list(removed),
}))
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a fresh Blender said about the extension."""

    installed: list[str]
    enabled: bool
    seconds: float
    registered: list[bool]
    imported: list[str]
    left: list[str]
    again: bool
    idle: bool
    removed: list[str]


@pytest.fixture(scope="module")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as ``make extension`` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(ROOT / ".ci" / "build_extension.py"), "--output-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.zip"))


@pytest.fixture(scope="module")
def probe(extension_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """One fresh Blender for all questions."""
    resources = tmp_path_factory.mktemp("resources")
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(resources)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(extension_zip)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=resources,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("PROBE")]
    assert lines, done.stdout + done.stderr
    return Probe(**json.loads(lines[0].removeprefix("PROBE")))


def test_zip_installs_and_enables(probe: Probe) -> None:
    assert probe.installed == ["FINISHED"]
    assert probe.enabled
    assert all(probe.registered)


def test_enabling_is_fast(probe: Probe) -> None:
    assert probe.seconds <= REGISTER_PACES * pace_seconds()


def test_enabling_loads_only_the_light_part(probe: Probe) -> None:
    heavy = (".core.client.client", ".core.rig", ".core.face", ".core.blender.session", ".core.models")
    assert not [name for name in probe.imported if name.endswith(heavy)]


def test_disabling_leaves_nothing_and_enabling_again_works(probe: Probe) -> None:
    assert probe.left == []
    assert probe.again
    assert probe.removed == ["FINISHED"]


def test_disabling_during_a_run_leaves_the_extension_idle(probe: Probe) -> None:
    assert probe.idle


def test_static_repository_lists_the_zip(extension_zip: Path, tmp_path: Path) -> None:
    shutil.copy(extension_zip, tmp_path)
    code = f"import make_repository, pathlib; make_repository.make_index(pathlib.Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / ".ci", check=True)
    (entry,) = json.loads((tmp_path / "index.json").read_text())["data"]
    assert entry["id"] == "mimesh" and entry["archive_url"].endswith(extension_zip.name)
    digest = hashlib.sha256(extension_zip.read_bytes()).hexdigest()
    assert entry["archive_hash"] == f"sha256:{digest}"
    assert entry["platforms"] == ["windows-x64", "macos-arm64", "linux-x64"]
    assert (tmp_path / "index.html").is_file()


def test_zip_holds_what_animators_need_and_no_more(extension_zip: Path) -> None:
    with zipfile.ZipFile(extension_zip) as archive:
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert manifest["id"] == "mimesh"
    assert {"__init__.py", "core/engine/worker.py", "vendor_models/checksums.json"} <= set(names)
    foreign = ("tests/", "research/", "docs/", ".ci/", "build/", "demo/work/", "demo/demo", "demo/preview", ".venv")
    assert not [name for name in names if name.startswith(foreign) or name.endswith((".pyc", ".blend1"))]


def test_every_file_of_the_zip_is_accounted_for(extension_zip: Path) -> None:
    page = (ROOT / "docs" / "package.md").read_text(encoding="utf-8")
    patterns = re.findall(r"`([^`]+)`", "\n".join(line.split("|")[1] for line in page.splitlines() if "| `" in line))
    with zipfile.ZipFile(extension_zip) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    unexplained = [name for name in names if not any(_listed(name, pattern) for pattern in patterns)]
    assert unexplained == []


def _listed(name: str, pattern: str) -> bool:
    folder, _, file = name.rpartition("/")
    if pattern.endswith("/"):
        return name.startswith(pattern)
    wanted_folder, _, wanted = pattern.rpartition("/")
    return folder == wanted_folder and fnmatch.fnmatch(file, wanted)


def test_top_level_package_imports_without_blender() -> None:
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('mimesh', {str(ROOT / '__init__.py')!r})\n"
        "spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        "print('bpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_whoever_publishes_it_is_named_in_the_manifest_and_nobody_else() -> None:
    spec = importlib.util.spec_from_file_location("build_extension", ROOT / ".ci" / "build_extension.py")
    assert spec is not None and spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    plain = (ROOT / "blender_manifest.toml").read_text("utf-8")
    assert "website" not in tomllib.loads(plain)
    named = tomllib.loads(build.with_website(plain, "https://example.org/mimesh"))
    assert named == {**tomllib.loads(plain), "website": "https://example.org/mimesh"}
    for wrong in ("example.org", 'https://a"b', "https://"):
        with pytest.raises(SystemExit, match="no address"):
            build.with_website(plain, wrong)
