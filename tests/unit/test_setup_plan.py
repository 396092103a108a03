# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up the engine, with no installer run: what is planned, refused, asked of which place, and read from them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.client import base_python, setup_plan
from core.client.base_python import base_pythons, standard_places
from core.client.setup_failure import setup_failure
from core.client.setup_plan import (
    SetupChoice,
    SetupPlan,
    default_engine_folder,
    require_fitting_python,
    require_possible,
    require_short_path,
)
from core.client.setup_progress import SetupProgress
from core.errors import EngineSetupError
from tests.unit.test_engine_environment import fake_python


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


def test_packages_that_blender_has_unpacked_are_linked_and_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = plan(tmp_path / "1", source=str(tmp_path), packages=(tmp_path / "local",))
    assert lines_of_installs(brought) == [] and "--without-pip" in brought.environment().line
    assert brought.megabytes() == (0, 20)
    with pytest.raises(EngineSetupError, match=r"has not unpacked .*local") as caught:
        require_possible(brought, online=False)
    assert "install its zip again" in caught.value.hint
    (tmp_path / "local" / "torch").mkdir(parents=True)
    require_possible(brought, online=False)
    # an index is not asked by the one whose manifest names no network
    monkeypatch.setattr(setup_plan, "comes_complete", lambda: True)
    with pytest.raises(EngineSetupError, match="never uses a network"):
        require_possible(plan(tmp_path / "1", source="https://pypi.studio/simple"), online=True)


def lines_of_installs(plan: SetupPlan) -> list[object]:
    return list(plan.installs())


def test_wheels_for_another_python_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "torch-2.13.0-cp39-cp39-linux_x86_64.whl").touch()
    with pytest.raises(EngineSetupError, match=r"are for Python 3\.9, and python is Python 3\.11") as caught:
        require_fitting_python(plan(tmp_path / "1", source=str(folder)))
    assert "Python 3.9" in caught.value.hint
    (folder / "torch-2.13.0-cp311-cp311-linux_x86_64.whl").touch()
    require_fitting_python(plan(tmp_path / "1", source=str(folder)))


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
