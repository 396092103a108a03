# SPDX-License-Identifier: GPL-3.0-or-later
"""Set Up Engine with real environments and installers: from a folder, from an index, failed and cancelled for real.

The packages are empty wheels of the pinned versions: what is tried is pip and uv, not PyTorch.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client import install, setup_plan
from core.client.environment import environment_python, inspect_python
from core.client.install import FACE_MODEL_FILE, create_environment
from core.client.setup_plan import CLASSIC_TRACKER, TASKS_TRACKER, SetupChoice
from core.client.setup_progress import SetupProgress
from core.client.setup_steps import setup_steps
from core.errors import EngineSetupError
from tests.pace import pace_seconds
from tests.package_index import Index, make_wheel, make_wheels, serving
from tests.unit.test_engine_environment import pinned
from tests.unit.test_engine_setup import left

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="what is pinned is written for one system"),
]
PACKAGES = pinned(
    f"3.{sys.version_info[1]}", "linux", TASKS_TRACKER if sys.version_info >= (3, 13) else CLASSIC_TRACKER
)
BASE = Path(sys.executable)
UV = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))


@pytest.fixture(scope="session")
def copying_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This Python, but told to make an environment it copies one made once: seconds of each of thirty set-ups."""
    folder = tmp_path_factory.mktemp("copying")
    subprocess.run([sys.executable, "-I", "-m", "venv", folder / "made"], check=True)
    python = folder / "python"
    python.write_text(
        f"""#!/bin/sh
if [ "$2 $3" = "-m venv" ]; then mkdir -p "$4" && exec cp -a "{folder}/made/." "$4"; fi
exec "{sys.executable}" "$@"
"""
    )
    python.chmod(0o755)
    return python


@pytest.fixture(autouse=True)
def base(copying_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments are copies; see :func:`copying_python`."""
    monkeypatch.setattr(sys.modules[__name__], "BASE", copying_python)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own indexes and proxies; no packages of hundreds of megabytes."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setattr(setup_plan, "_MEGABYTES", {("linux", "cpu"): (1, 1)})
    monkeypatch.setattr(install.shutil, "which", lambda name: None)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return make_wheels(tmp_path / "les paquets é", PACKAGES, 300_000)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return tmp_path / "the engine of Zoë"


@pytest.fixture
def index(wheels: Path) -> Iterator[Index]:
    with serving(wheels) as running:
        yield running


def set_up(engine: Path, source: Path | str, seen: list[str] | None = None) -> Path:
    def tick(progress: SetupProgress) -> None:
        if seen is not None:
            seen.append(progress.words())

    return create_environment(engine, SetupChoice(source=str(source), base_python=BASE), True, tick)


def refused(engine: Path, source: Path | str) -> EngineSetupError:
    """The sentence; nothing but the log is left, and a set-up afterwards is not in its way."""
    with pytest.raises(EngineSetupError) as caught:
        set_up(engine, source)
    assert left(engine) == []
    return caught.value


def test_folder_of_wheels_makes_an_engine_without_any_network(
    engine: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with an environment of its own this once
    monkeypatch.setattr(sys.modules[__name__], "BASE", Path(sys.executable))
    # a proxy that is not there: whatever asked the network would fail
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    python = set_up(engine, wheels)
    report = inspect_python(python)
    assert report.usable
    assert all(found in (None, PACKAGES[name]) for name, found in report.packages.items() if name in PACKAGES)
    # again: built beside, then swapped
    assert set_up(engine, wheels) != python and not python.exists()
    assert left(engine) == ["2", "current"]


def test_index_of_the_studio_makes_an_engine_and_shows_what_it_fetches(engine: Path, index: Index) -> None:
    seen: list[str] = []
    python = set_up(engine, index.address, seen)
    assert inspect_python(python).usable
    stages = [
        word for word in ("Making an environment", "Preparing the installer", "Installing PyTorch") if word in seen
    ]
    assert len(stages) == 3
    assert left(engine) == ["1", "current"]


def test_uv_makes_the_same_engine(engine: Path, wheels: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path(UV).is_file():
        pytest.skip("uv is not installed")
    monkeypatch.setattr(install.shutil, "which", lambda name: UV if name == "uv" else None)
    assert inspect_python(set_up(engine, wheels)).usable
    assert inspect_python(set_up(engine, index.address)).usable
    index.faults["torch"] = "missing"
    with pytest.raises(EngineSetupError, match="no release for this Python"):
        set_up(engine, index.address)
    assert inspect_python(environment_python(engine)).usable
    assert left(engine) == ["2", "current"]


def test_settings_of_the_user_that_lead_elsewhere_do_not(
    engine: Path, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    assert inspect_python(set_up(engine, wheels)).usable
    assert not (tmp_path / "elsewhere").exists()


def test_index_that_fails_names_the_true_cause_and_what_comes_after_is_not_hindered(
    engine: Path, index: Index
) -> None:
    for package, fault, words in (
        ("torch", "missing", r"no release for this Python and system: .*torch==2\.13\.0"),
        ("mediapipe", "missing", r"no release .*mediapipe"),
        ("numpy", "wrong", "not the one that was published"),
        ("av", "cut", "cannot be reached|not the one that was published"),
        ("torch", "login", "index refused a package|no release"),
    ):
        index.faults[package] = fault
        with pytest.raises(EngineSetupError, match=words):
            set_up(engine, index.address)
        assert left(engine) == [], f"{package} {fault}"
        del index.faults[package]
    assert set_up(engine, index.address).is_file()


def test_servers_that_are_not_there_are_told_apart(engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{held.getsockname()[1]}"
        assert "server cannot be reached" in str(refused(engine, f"http://{closed}/simple"))
        monkeypatch.setenv("HTTPS_PROXY", f"http://{closed}")
        assert "proxy" in str(refused(engine, "https://pypi.studio.invalid/simple")).lower()
    monkeypatch.delenv("HTTPS_PROXY")
    assert "server cannot be reached" in str(refused(engine, "https://pypi.studio.invalid/simple"))
    assert "an index without https" in str(refused(engine, "http://pypi.studio.invalid/simple"))


def test_damaged_and_missing_wheels_are_told(engine: Path, wheels: Path) -> None:
    torch = next(wheels.glob("torch-*.whl"))
    whole = torch.read_bytes()
    torch.write_bytes(whole[: len(whole) // 2])
    assert "torch" in refused(engine, wheels).message
    torch.unlink()
    assert "no release for this Python" in refused(engine, wheels).message
    torch.write_bytes(whole)
    working = set_up(engine, wheels)
    next(wheels.glob("mediapipe-*.whl")).unlink()
    with pytest.raises(EngineSetupError, match="mediapipe"):
        set_up(engine, wheels)
    assert environment_python(engine) == working and inspect_python(working).usable


@contextlib.contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "mimesh", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_disk_that_fills_up_on_the_way_is_told_and_left_empty(tmp_path: Path) -> None:
    packages = make_wheels(tmp_path / "large", PACKAGES)
    make_wheel(packages, "torch", PACKAGES["torch"], bytes(40_000_000))
    with mounted(tmp_path / "small", "60m"):
        error = refused(tmp_path / "small" / "engine", packages)
        assert "is full" in error.message and "Make room" in error.hint


def test_cancel_while_a_download_stands_still_stops_pip_at_once(engine: Path, index: Index) -> None:
    index.faults["torch"] = "stall"
    choice = SetupChoice(source=index.address, base_python=BASE)
    steps = setup_steps(engine, choice, True)
    while not index.stalled.is_set():
        next(steps)
        time.sleep(0.01)
    started = time.monotonic()
    steps.close()
    assert time.monotonic() - started < 100 * pace_seconds()
    assert left(engine) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert not [line for line in running.splitlines() if str(engine) in line]
    # pressed again at once
    index.faults.clear()
    assert set_up(engine, index.address).is_file()


@pytest.mark.parametrize("seconds", [0.0, 0.6, 2.0, 4.0])
def test_cancel_at_any_moment_leaves_the_working_engine(engine: Path, wheels: Path, seconds: float) -> None:
    working = engine / "7" / "bin" / "python"
    working.parent.mkdir(parents=True)
    working.symlink_to(sys.executable)
    (engine / "current").write_text("7")
    steps = setup_steps(engine, SetupChoice(source=str(wheels), base_python=BASE), True)
    deadline = time.monotonic() + seconds
    with contextlib.suppress(StopIteration):
        while time.monotonic() < deadline:
            next(steps)
            time.sleep(0.01)
        steps.close()
    # on a fast machine it may have been done by then
    finished = environment_python(engine) != working
    assert left(engine) == (["1", "current"] if finished else ["7", "current"])
    assert environment_python(engine).is_file()


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="needs a Python of the classic tracker")
def test_newer_tracker_takes_its_face_model_from_the_folder_of_wheels(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_plan, "_FIRST_WITHOUT_CLASSIC", (3, 11))
    everything = {**PACKAGES, **pinned("3.13", "linux", TASKS_TRACKER), "numpy": PACKAGES["numpy"]}
    folder = make_wheels(tmp_path / "wheels", everything)
    assert f"has no {FACE_MODEL_FILE.name}" in refused(engine, folder).message
    (folder / FACE_MODEL_FILE.name).write_bytes(b"another one")
    assert "not the published one" in refused(engine, folder).message
    monkeypatch.setattr(install, "FACE_MODEL_SHA256", install.file_hash(folder / FACE_MODEL_FILE.name))
    python = set_up(engine, folder)
    assert (python.parent.parent / FACE_MODEL_FILE).read_bytes() == b"another one"


def test_face_model_is_fetched_by_a_process_that_can_be_stopped(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_plan, "_FIRST_WITHOUT_CLASSIC", (3, 11))
    everything = {**PACKAGES, **pinned("3.13", "linux", TASKS_TRACKER), "numpy": PACKAGES["numpy"]}
    folder = make_wheels(tmp_path / "wheels", everything)
    # any file will do as the model; an index, because from a folder nothing is fetched
    model = make_wheel(folder, "face-model", "1.0", b"landmarks")
    with serving(folder) as index:
        address = index.address.removesuffix("simple") + f"files/{model.name}"
        monkeypatch.setattr(install, "FACE_MODEL_URL", address)
        monkeypatch.setattr(install, "FACE_MODEL_SHA256", install.file_hash(model))
        index.faults["face-model"] = "cut"
        error = refused(engine, index.address)
        assert "face model cannot be fetched" in error.message and "Face Model in the" in error.hint
        index.faults["face-model"] = "stall"
        steps = setup_steps(engine, SetupChoice(source=index.address, base_python=BASE), True)
        while not index.stalled.is_set():
            next(steps)
            time.sleep(0.01)
        started = time.monotonic()
        steps.close()
        assert time.monotonic() - started < 100 * pace_seconds() and left(engine) == []
        index.faults.clear()
        assert (set_up(engine, index.address).parent.parent / FACE_MODEL_FILE).read_bytes() == model.read_bytes()
