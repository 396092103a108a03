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

from core.client import base_python, install, setup_plan
from core.client.base_python import base_pythons, standard_places
from core.client.environment import environment_python
from core.client.install import create_environment
from core.client.setup_failure import setup_failure
from core.client.setup_plan import SetupChoice, SetupPlan, default_engine_folder, require_possible, require_short_path
from core.client.setup_progress import SetupProgress
from core.client.setup_steps import setup_steps
from core.errors import CancelledError, EngineSetupError
from tests.pace import pace_seconds
from tests.unit.test_engine_environment import COMPLETE, fake_python

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
    deadline = time.monotonic() + 200 * pace_seconds()
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


def plan(target: Path, **choice: object) -> SetupPlan:
    return SetupPlan(SetupChoice(**choice), Path("python"), (3, 11, 7), target)  # type: ignore[arg-type]


def lines_of(plan: SetupPlan, succeeded: bool = True) -> list[list[str]]:
    """All command lines; each command is told to have succeeded, or not."""
    lines, installs = [plan.environment().line], plan.installs()
    command = next(installs)
    while True:
        lines.append(command.line)
        try:
            command = installs.send(succeeded)
        except StopIteration:
            return lines


def test_setup_is_refused_while_offline_but_not_from_a_folder_of_wheels(tmp_path: Path) -> None:
    with pytest.raises(EngineSetupError, match="online access is off"):
        require_possible(plan(tmp_path / "1"), online=False)
    require_possible(plan(tmp_path / "1", source=str(tmp_path)), online=False)
    with pytest.raises(EngineSetupError, match=r"wheels .* does not exist"):
        require_possible(plan(tmp_path / "1", source=str(tmp_path / "none")), online=False)


def test_source_of_the_studio_is_the_only_one_that_is_asked(tmp_path: Path) -> None:
    wheels = lines_of(plan(tmp_path / "1", source=str(tmp_path)))
    installs = [command for command in wheels if "install" in command]
    assert installs and all("--no-index" in command and str(tmp_path) in command for command in installs)
    index = lines_of(plan(tmp_path / "1", source="https://pypi.studio/simple"))
    assert all("https://pypi.studio/simple" in command for command in index if "install" in command)
    assert not any("pytorch.org" in word for command in [*wheels, *index] for word in command)


def test_index_without_a_newer_pip_is_asked_with_the_old_one(tmp_path: Path) -> None:
    lines = lines_of(plan(tmp_path / "1", source="https://pypi.studio/simple"), succeeded=False)
    assert len(lines) == 5 and not any("raw" in line for line in lines)
    assert any("raw" in line for line in lines_of(plan(tmp_path / "1")))


def test_python_of_313_gets_the_tracker_that_has_wheels_for_it(tmp_path: Path) -> None:
    new = SetupPlan(SetupChoice(), Path("python"), (3, 13, 0), tmp_path / "1")
    assert any(setup_plan.TASKS_TRACKER in line for line in lines_of(new))
    old = SetupPlan(SetupChoice(), Path("python"), (3, 12, 0), tmp_path / "1")
    assert any(setup_plan.CLASSIC_TRACKER in line for line in lines_of(old))


def test_uv_does_the_work_where_it_is(tmp_path: Path) -> None:
    with_uv = SetupPlan(SetupChoice(), Path("/base/python"), (3, 12, 0), tmp_path / "1", "/bin/uv")
    commands = lines_of(with_uv)
    assert commands[0] == ["/bin/uv", "venv", "--python", "/base/python", str(tmp_path / "1")]
    assert all(command[0] == "/bin/uv" for command in commands)


def test_cuda_build_is_asked_for_by_its_index_on_windows_and_by_pypi_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform, torch, expected in (
        ("linux", "cpu", "whl/cpu"),
        ("linux", "cuda", ""),
        ("win32", "cuda", "whl/cu130"),
        ("win32", "cpu", ""),
    ):
        monkeypatch.setattr(setup_plan.sys, "platform", platform)
        words = " ".join(word for line in lines_of(plan(Path("/e/1"), torch=torch)) for word in line)
        assert (expected in words) if expected else ("pytorch.org" not in words), (platform, torch)


def test_path_that_windows_could_not_unpack_is_refused_before_anything_is_fetched() -> None:
    user = r"C:\Users\someone-with-a-long-name\AppData\Roaming\Blender Foundation\Blender\4.5\extensions\.user"
    deep = Path(f"{user}\\user_default\\mimesh\\engine\\1")
    with pytest.raises(EngineSetupError, match=r"Windows allows 259.*characters shorter"):
        require_short_path(deep, "win32", long_paths=False)
    require_short_path(deep, "win32", long_paths=True)
    require_short_path(Path("C:\\Mimesh\\1"), "win32", long_paths=False)
    require_short_path(deep, "linux")


def test_default_folder_on_windows_is_short_where_the_own_one_is_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_plan, "_windows_long_paths", lambda: False)
    deep = Path("C:/" + "x" * 130)
    assert default_engine_folder(deep, "win32", "C:/Local") == Path("C:/Local/Mimesh")
    assert default_engine_folder(Path("C:/short"), "win32", "C:/Local") == Path("C:/short/engine")
    assert default_engine_folder(deep, "linux") == deep / "engine"


def test_full_disk_is_told_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_plan, "_MEGABYTES", {("linux", "cpu"): (100, 10**9)})
    with pytest.raises(EngineSetupError, match=r"MB left; the engine needs"):
        require_possible(plan(tmp_path / "a" / "1"), online=True)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_rights_is_told(bench: Bench, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(EngineSetupError, match="cannot be written"):
        bench.set_up()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk of"),
        ("OSError: [WinError 112] There is not enough space on the disk", "disk of"),
        ("[WinError 206] The filename or extension is too long: 'C:\\x'", "longer than this system allows"),
        ("WARNING: Retrying: ProxyError('Cannot connect to proxy.', OSError('407 Proxy'))", "proxy refused"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "not trusted"),
        ("NewConnectionError: [Errno -3] Temporary failure in name resolution", "cannot be reached"),
        ("error: Request failed: dns error: failed to lookup address", "cannot be reached"),
        ("[Errno 13] Permission denied: '/e/1'", "cannot be written"),
        ("[WinError 5] Access is denied", "cannot be written"),
        ("The virtual environment was not created: ensurepip is not available", "lacks its module"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no release for this Python"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was published"),
        ("something never heard of", "something never heard of"),
    ],
)
def test_failure_names_the_true_cause(line: str, words: str) -> None:
    error = setup_failure(["Collecting torch", line, "Nothing"][:2], Path("/e/1"), Path("python"))
    assert words in error.message and error.hint


def test_launchers_and_places_beside_the_path_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = fake_python(tmp_path / "home/.pyenv/versions/3.12.4/bin/python3", {}, (3, 12, 4))
    monkeypatch.setattr(sys, "executable", str(fake_python(tmp_path / "blender", {}, (3, 10, 1))))
    monkeypatch.setattr(base_python.shutil, "which", lambda name: None)
    monkeypatch.setattr(base_python.Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(base_python.sys, "platform", "linux")
    places = standard_places("linux", tmp_path / "home")
    monkeypatch.setattr(base_python, "standard_places", lambda platform: places[-2:])
    assert next(base_pythons()) == found


def test_no_python_names_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(fake_python(tmp_path / "blender", {}, (3, 10, 1))))
    monkeypatch.setattr(base_python.shutil, "which", lambda name: None)
    monkeypatch.setattr(base_python, "standard_places", lambda platform: ())
    with pytest.raises(EngineSetupError, match=r"blender \(3\.10\.1\)"):
        next(base_pythons())


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("darwin", "/opt/homebrew/bin/python3.1[1-4]"),
        ("darwin", "/Library/Frameworks/Python.framework/Versions/3.1[1-4]/bin/python3"),
        ("win32", "C:\\L\\Programs\\Python\\Python31[1-4]\\python.exe"),
        ("linux", "/h/.pyenv/versions/3.1[1-4].*/bin/python3"),
    ],
)
def test_standard_places_of_each_system(platform: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALAPPDATA", "C:\\L")
    assert place in standard_places(platform, Path("/h"))


def test_windows_launcher_is_asked_for_each_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_python.shutil, "which", lambda name: "C:\\py.exe" if name == "py" else None)
    asked = list(base_python.candidates("win32"))
    assert ["C:\\py.exe", "-3.11"] in asked and ["C:\\py.exe", "-3.14"] in asked


def test_progress_reads_pip_and_uv() -> None:
    progress = SetupProgress(200e6)
    progress.begin("Installing PyTorch")
    progress.take("  Downloading https://x.y/torch-2.13.0%2Bcpu-cp311.whl (100.0 MB)")
    progress.take("Progress 50000000 of 100000000")
    assert progress.words() == "Downloading torch, 50 of 100 MB"
    assert progress.fraction == pytest.approx(0.9 * 0.25)
    progress.take("Downloading av (47.7MiB)")
    assert progress.words().startswith("Downloading av, 0 of 50 MB")
    assert progress.fraction == pytest.approx(0.9 * 0.5)
