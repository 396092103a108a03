# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up the engine against installers that work, hang, fail and are cancelled at every stage."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.client import install, setup_plan
from core.client.environment import environment_python
from core.client.install import create_environment
from core.client.setup_plan import SetupChoice
from core.client.setup_progress import SetupProgress
from core.client.setup_steps import setup_steps
from core.errors import CancelledError, EngineSetupError
from tests.pace import pace_seconds
from tests.unit.test_engine_environment import COMPLETE

pytestmark = pytest.mark.slow

STAGES = ("venv", "--upgrade", "torch==", "-r", "--no-deps")
# answers as a Python does: makes environments that hold a copy of itself, and pretends to be pip
_PYTHON = """#!{python}
import json, os, shutil, sys, time
arguments = " ".join(sys.argv[1:])
here = os.path.dirname(os.path.abspath(__file__))
def told(name):
    try: return open(os.path.join({control!r}, name)).read()
    except OSError: return ""
if "-c" in sys.argv:
    print(json.dumps({{"python": [3, 11, 7], "program": sys.argv[0], "versions": {packages!r}}}))
    sys.exit()
print("Collecting things", flush=True)
if told("hang") and told("hang") in arguments:
    open(os.path.join({control!r}, "hanging"), "w").write(str(os.getpid()))
    import subprocess
    child = subprocess.Popen(["sleep", "60"])
    open(os.path.join({control!r}, "child"), "w").write(str(child.pid))
    time.sleep(60)
if told("fail") and told("fail") in arguments:
    if "venv" in sys.argv: os.makedirs(sys.argv[-1])
    print(told("words") or "ERROR: it broke", flush=True)
    sys.exit(1)
if "venv" in sys.argv:
    os.makedirs(os.path.join(sys.argv[-1], "bin"))
    shutil.copy(__file__, os.path.join(sys.argv[-1], "bin", "python"))
    open(os.path.join(sys.argv[-1], "pyvenv.cfg"), "w").close()
if "torch==" in arguments:
    print("Downloading torch-2.13.0-cp311.whl (100.0 MB)", flush=True)
    print("Progress 50000000 of 100000000", flush=True)
print("Installing collected packages: things", flush=True)
"""


class Bench:
    """A base Python whose behaviour files in ``control`` decide."""

    def __init__(self, folder: Path) -> None:
        self.control = folder / "control"
        self.control.mkdir()
        self.engine = folder / "the engine"
        self.base = folder / "base"
        text = _PYTHON.format(python=sys.executable, control=str(self.control), packages=COMPLETE)
        self.base.write_text(text)
        self.base.chmod(0o755)

    @property
    def choice(self) -> SetupChoice:
        return SetupChoice(base_python=self.base)

    def say(self, name: str, text: str) -> None:
        (self.control / name).write_text(text)

    def set_up(self, tick: object = None) -> Path:
        return create_environment(self.engine, self.choice, True, tick or (lambda progress: None))  # type: ignore


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(setup_plan.shutil, "which", lambda name: None)
    monkeypatch.setattr(setup_plan, "_MEGABYTES", {("linux", "cpu"): (100, 1)})
    return Bench(tmp_path)


def left(folder: Path) -> list[str]:
    # a thread deletes what was set aside
    deadline = time.monotonic() + 400 * pace_seconds()
    while any(folder.glob("trash-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    return sorted(path.name for path in folder.iterdir() if path.name != "setup.log")


def gone(pid: int) -> bool:
    # a zombie of ours is gone too
    text = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return text.strip() in ("", "Z", "Z+")


def test_environment_is_made_and_taken_into_use(bench: Bench) -> None:
    seen: list[tuple[str, float]] = []
    made = bench.set_up(lambda progress: seen.append((progress.words(), progress.fraction)))
    assert made == bench.engine / "1" / "bin" / "python" == environment_python(bench.engine)
    assert left(bench.engine) == ["1", "current"]
    assert ("Downloading torch, 50 of 100 MB", 0.45) in seen
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)


def test_repeated_setup_replaces_the_environment_only_when_it_is_checked(bench: Bench) -> None:
    bench.set_up()
    assert bench.set_up() == bench.engine / "2" / "bin" / "python"
    assert left(bench.engine) == ["2", "current"]
    assert bench.set_up() == bench.engine / "1" / "bin" / "python"


@pytest.mark.parametrize("stage", STAGES)
def test_failure_at_any_stage_keeps_what_worked(bench: Bench, stage: str) -> None:
    working = bench.set_up()
    bench.say("fail", stage)
    with pytest.raises(EngineSetupError, match="it broke"):
        bench.set_up()
    assert environment_python(bench.engine) == working and working.is_file()
    assert left(bench.engine) == ["1", "current"]
    (bench.control / "fail").unlink()
    assert bench.set_up().is_file()


def test_environment_that_fails_its_check_is_not_taken_into_use(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    working = bench.set_up()
    real = install.inspect_python

    def inspect(python: Path, tick: object = None) -> object:
        if python.parent.parent.name == "2":
            raise EngineSetupError("The Python cannot run the engine: torch is missing.")
        return real(python)

    monkeypatch.setattr(install, "inspect_python", inspect)
    with pytest.raises(EngineSetupError, match="torch is missing"):
        bench.set_up()
    assert environment_python(bench.engine) == working and left(bench.engine) == ["1", "current"]


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_any_silent_stage_stops_the_installer_and_its_children_at_once(bench: Bench, stage: str) -> None:
    working = bench.set_up()
    bench.say("hang", stage)
    steps = setup_steps(bench.engine, bench.choice, True)
    while not (bench.control / "child").exists():
        next(steps)
        time.sleep(0.01)
    time.sleep(0.1)
    started = time.monotonic()
    steps.close()
    assert time.monotonic() - started < 100 * pace_seconds()
    pids = [int((bench.control / name).read_text()) for name in ("hanging", "child")]
    deadline = time.monotonic() + 2.0
    while not all(map(gone, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(map(gone, pids))
    assert environment_python(bench.engine) == working and working.is_file()
    (bench.control / "hang").unlink()
    # pressed again at once
    assert bench.set_up().is_file()
    assert left(bench.engine) == ["2", "current"]


def test_second_setup_at_the_same_time_is_refused_and_harms_nothing(bench: Bench) -> None:
    bench.say("hang", "torch==")
    stop = threading.Event()

    def tick(progress: SetupProgress) -> None:
        if stop.is_set():
            raise CancelledError("Cancelled.")

    def first() -> None:
        with pytest.raises(CancelledError):
            bench.set_up(tick)

    thread = threading.Thread(target=first)
    thread.start()
    while not (bench.control / "hanging").exists():
        time.sleep(0.01)
    with pytest.raises(EngineSetupError, match="being set up"):
        bench.set_up()
    assert (bench.engine / "1").is_dir()
    stop.set()
    thread.join()
    assert left(bench.engine) == []


def test_lock_of_a_blender_that_died_is_no_obstacle(bench: Bench) -> None:
    bench.engine.mkdir()
    lock = bench.engine / "setup.lock"
    lock.touch()
    os.utime(lock, (1000, 1000))
    (bench.engine / "trash-1").mkdir()
    assert bench.set_up().is_file()
    assert left(bench.engine) == ["1", "current"]


def test_environment_of_the_first_release_is_used_until_a_new_one_replaces_it(bench: Bench) -> None:
    (bench.engine / "bin").mkdir(parents=True)
    (bench.engine / "pyvenv.cfg").touch()
    (bench.engine / "bin" / "python").touch()
    assert environment_python(bench.engine) == bench.engine / "bin" / "python"
    bench.set_up()
    assert left(bench.engine) == ["1", "current"]


def test_folder_with_something_else_is_never_touched(bench: Bench) -> None:
    bench.engine.mkdir()
    (bench.engine / "thesis.txt").write_text("precious")
    with pytest.raises(EngineSetupError, match="holds something else"):
        bench.set_up()
    assert left(bench.engine) == ["thesis.txt"]


def test_file_in_place_of_the_folder_is_told(bench: Bench) -> None:
    bench.engine.write_text("a file")
    with pytest.raises(EngineSetupError, match=r"the engine cannot be written \("):
        bench.set_up()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_rights_is_told(bench: Bench, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(EngineSetupError, match="cannot be written"):
        bench.set_up()
