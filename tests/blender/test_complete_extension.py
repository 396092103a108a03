# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip that brings the engine's packages along: set up in a fresh Blender that may not go online.

The packages are empty wheels of the pinned versions, in the place of the real ones that pip would have fetched.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from core.client.setup_plan import CLASSIC_TRACKER
from tests.blender.one_blender import IN_ONE_BLENDER
from tests.package_index import make_wheel, make_wheels
from tests.unit.test_engine_environment import pinned

pytestmark = [pytest.mark.slow, IN_ONE_BLENDER]

ROOT = Path(__file__).resolve().parents[2]
NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "PIP_NO_INDEX": "1"}
# nothing of this machine's own folders of packages
NO_NETWORK |= {"PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
PROBE = """
import importlib, json, os, sys
import bpy, addon_utils

name = "bl_ext.user_default.mimesh"
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=False)
addon_utils.enable(name, default_set=True)
engine = importlib.import_module(name + ".operators.engine")
told = {"online": bpy.app.online_access, "reason": engine.offline_reason(bpy.context)}
preferences = bpy.context.preferences.addons[name].preferences
preferences.package_source = "https://pypi.studio.invalid/simple"
try:
    bpy.ops.mimesh.setup_engine()
except RuntimeError as error:
    told["index"] = str(error)
preferences.package_source = ""
told["done"] = list(bpy.ops.mimesh.setup_engine())
told["local"] = str(engine.unpacked_packages()[0])
told["status"] = bpy.context.window_manager.mimesh_run.engine_status
print("PROBE" + json.dumps(told))
sys.stdout.flush()
os._exit(0)
"""


def ci(name: str) -> ModuleType:
    """A module of the build."""
    if str(ROOT / ".ci") not in sys.path:
        sys.path.insert(0, str(ROOT / ".ci"))
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def complete_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make extension-complete TARGET=linux-x64-3.11` builds it, with every wheel there already."""
    folder = tmp_path_factory.mktemp("complete")
    packages = pinned("3.11", "linux", CLASSIC_TRACKER)
    del packages["numpy"]
    wheels = make_wheels(folder / "wheels" / "linux-x64-3.11", packages)
    next(wheels.glob("torch-*.whl")).unlink()
    make_wheel(wheels, "torch", f"{packages['torch']}+cpu")
    command = [sys.executable, str(ROOT / ".ci" / "build_extension.py"), "--complete", "linux-x64-3.11"]
    command += ["--wheels", str(folder / "wheels"), "--output-dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **NO_NETWORK}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "mimesh-0.1.0-linux-x64-py311.zip"


def test_it_sets_itself_up_without_a_network_and_without_asking_for_one(complete_zip: Path, tmp_path: Path) -> None:
    environment = {**os.environ, **NO_NETWORK, "BLENDER_USER_RESOURCES": str(tmp_path)}
    environment.pop("MIMESH_ENGINE_PYTHON", None)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(complete_zip)], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    line = next((text for text in done.stdout.splitlines() if text.startswith("PROBE")), None)
    assert line is not None, done.stdout + done.stderr
    told = json.loads(line.removeprefix("PROBE"))
    assert told["online"] is False and told["reason"] == ""
    assert told["done"] == ["FINISHED"] and "The engine is ready" in told["status"]
    # Blender has unpacked them, nothing was installed: the engine's Python is told where they lie
    (link,) = tmp_path.rglob("mimesh_packages.pth")
    assert link.read_text().splitlines()[0] == told["local"] and str(tmp_path) in told["local"]
    assert (Path(told["local"]) / "torch").is_dir()
    assert [path.name for path in link.parent.iterdir() if path.suffix != ".py"] == ["mimesh_packages.pth"]
    assert "never uses a network" in told["index"] and "smaller Mimesh" in told["index"]


def test_its_manifest_names_one_system_its_blenders_the_makers_and_no_network(complete_zip: Path) -> None:
    with zipfile.ZipFile(complete_zip) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        page = archive.read("wheels/README.md").decode()
    assert manifest["platforms"] == ["linux-x64"]
    assert (manifest["blender_version_min"], manifest["blender_version_max"]) == ("4.2.0", "5.1.0")
    assert list(manifest["permissions"]) == ["files"]
    assert "./wheels/torch-2.13.0+cpu-py3-none-any.whl" in manifest["wheels"]
    # Blender's own serves; one beside it would take its place
    assert not any("numpy" in wheel for wheel in manifest["wheels"])
    assert "torch" in manifest["copyright"][1] and "mediapipe" in manifest["copyright"][1]
    assert "| torch | 2.13.0+cpu |" in page


def test_what_a_package_asks_for_is_told_by_the_markers_of_the_other_system() -> None:
    wheels = ci("engine_wheels")
    asked = [
        "filelock",
        'nvidia-cublas==13; platform_system == "Linux"',
        'colorama; sys_platform == "win32"',
        'setuptools; python_version >= "3.12"',
        'pytest; extra == "test"',
    ]
    for target, names in {
        "windows-x64-3.11": ["filelock", "colorama"],
        "macos-arm64-3.13": ["filelock", "setuptools"],
        "linux-x64-3.11": ["filelock", "nvidia-cublas"],
    }.items():
        assert [found.name for found in wheels.Target.parse(target).wanted(asked)] == names
    with pytest.raises(SystemExit, match="is no target"):
        wheels.Target.parse("amiga-3.11")


def test_the_zip_for_later_blenders_has_no_upper_end() -> None:
    ci("engine_wheels")
    complete = ci("build_complete")
    plain = (ROOT / "blender_manifest.toml").read_text("utf-8")
    target = sys.modules["engine_wheels"].Target.parse("windows-x64-3.13")
    made = tomllib.loads(complete.for_target(plain, target, [Path("torch-2-py3-none-any.whl")]))
    assert made["blender_version_min"] == "5.1.0" and "blender_version_max" not in made
    assert complete.zip_name(target) == "mimesh-0.1.0-windows-x64-py313.zip"
