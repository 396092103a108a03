# SPDX-License-Identifier: GPL-3.0-or-later
"""What depends on the system, with another system's answers simulated: process flags, paths, end codes.

Simulated, not run: no Windows machine and no Mac is at hand. What PyTorch lacks there is tried in
``tests/models/test_finetune_platforms.py``, NTFS itself in ``test_windows_disk.py``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.client import base_python, child, environment, graphics_card, setup_plan, transport
from core.client.graphics_card import GraphicsCard, cards_in, has_nvidia_driver
from core.client.setup_plan import SetupChoice, SetupPlan, expected_megabytes, require_possible
from core.errors import EngineSetupError
from core.files import file_stem

CREATE_NO_WINDOW = 0x08000000


class Popen:
    """Notes how it was called."""

    calls: list[dict[str, Any]]
    pid, stdin, stdout = 4711, None, None

    def __init__(self, arguments: Any, **named: Any) -> None:
        type(self).calls.append({"arguments": arguments, **named})

    def kill(self) -> None:
        type(self).calls.append({"arguments": "kill"})

    def wait(self, timeout: float | None = None) -> int:
        return 0


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> type[Popen]:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", CREATE_NO_WINDOW, raising=False)
    Popen.calls = []
    monkeypatch.setattr(subprocess, "Popen", Popen)
    return Popen


def test_on_windows_no_console_window_opens_and_no_posix_session_is_asked_for(
    windows: type[Popen], tmp_path: Path
) -> None:
    child._start(["python", "-m", "venv"], tmp_path, {})
    transport._popen(("python",), transport.EngineCommand(("python",), tmp_path, tmp_path, tmp_path / "log"), None)  # type: ignore[arg-type]
    installer, engine = windows.calls
    assert installer["creationflags"] == engine["creationflags"] == CREATE_NO_WINDOW
    assert installer["start_new_session"] is False


def test_on_posix_an_installer_has_a_session_that_can_be_ended_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    Popen.calls = []
    monkeypatch.setattr(subprocess, "Popen", Popen)
    child._start(["python"], tmp_path, {})
    assert Popen.calls[0]["start_new_session"] is True and Popen.calls[0]["creationflags"] == 0


def test_on_windows_the_whole_family_of_an_installer_is_ended(
    windows: type[Popen], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **named: ran.append(command))
    child.stop_family(Popen(["pip"]))  # type: ignore[arg-type]
    assert ran == [["taskkill", "/F", "/T", "/PID", "4711"]]
    assert windows.calls[-1]["arguments"] == "kill"


@pytest.mark.parametrize(
    ("platform", "code", "words"),
    [
        ("win32", 0xC0000005, "0xc0000005 (a crash in native code)"),
        ("win32", -0x3FFFFFFB, "0xc0000005 (a crash in native code)"),
        ("win32", 0xC0000135, "a missing library"),
        ("win32", 3, "exit code 3"),
        ("darwin", -11, "signal 11 (a crash in native code)"),
        ("darwin", -9, "signal 9 (killed, perhaps because memory ran short)"),
    ],
)
def test_end_of_a_process_is_told_as_each_system_tells_it(
    platform: str, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert words in transport.describe_code(code)


@pytest.mark.parametrize(
    ("platform", "place"), [("win32", "Scripts/python.exe"), ("darwin", "bin/python"), ("linux", "bin/python")]
)
def test_environment_has_its_python_where_each_system_puts_it(
    platform: str, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    (tmp_path / "current").write_text("3")
    assert environment.environment_python(tmp_path) == tmp_path / "3" / place
    assert SetupPlan(SetupChoice(), Path("python"), (3, 11, 7), tmp_path / "3").python == tmp_path / "3" / place


@pytest.mark.parametrize("platform", ["win32", "darwin", "linux"])
@pytest.mark.parametrize("python", [(3, 11, 7), (3, 12, 1), (3, 13, 0), (3, 14, 0)])
def test_plan_of_each_system_is_complete(
    platform: str, python: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    plan = SetupPlan(SetupChoice(), Path("python"), python, tmp_path / "1")
    lines, installs = [plan.environment().line], plan.installs()
    command = next(installs)
    while command is not None:
        lines.append(command.line)
        try:
            command = installs.send(True)
        except StopIteration:
            break
    words = " ".join(word for line in lines for word in line)
    assert "torch==2.12.1" in words if platform == "win32" else "torch==2.13.0" in words
    assert ("mediapipe==1." in words) == (python >= (3, 13))
    # only Linux has another build on PyPI than the one that is wanted
    assert ("download.pytorch.org/whl/cpu" in words) == (platform == "linux")
    assert expected_megabytes("cpu", platform)[0] > 100


def test_user_with_accents_on_windows_gets_the_tracker_that_can_open_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    for user, tasks in (("Ada", False), ("Zoë", True), ("성준", True)):
        plan = SetupPlan(SetupChoice(), Path("python"), (3, 11, 7), Path(f"C:/Users/{user}/Mimesh/1"))
        assert plan.tasks_tracker is tasks


def test_graphics_card_is_looked_for_where_each_system_has_its_driver(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "System32").mkdir()
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path))
    assert not has_nvidia_driver("win32")
    (tmp_path / "System32" / "nvcuda.dll").touch()
    assert has_nvidia_driver("win32") and not has_nvidia_driver("darwin")


@pytest.mark.parametrize(
    ("line", "obstacle"),
    [
        ("NVIDIA H100 80GB HBM3, 580.159.04, 9.0", ""),
        ("NVIDIA GeForce RTX 3060, 591.44, 8.6", ""),
        ("NVIDIA GeForce GTX 1080, 580.88, 6.1", "compute capability 6.1, and PyTorch needs 7.5"),
        ("NVIDIA GeForce RTX 2080, 551.23, 7.5", "driver 551, and PyTorch needs 580"),
        ("GeForce GTX 960, 470.10, [N/A]", "driver 470"),
    ],
)
def test_card_or_driver_that_pytorch_cannot_use_is_told_before_gigabytes_are_fetched(
    line: str, obstacle: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (card,) = cards_in(f"{line}\n")
    assert obstacle in card.obstacle and bool(obstacle) == bool(card.obstacle)
    monkeypatch.setattr(graphics_card, "find_cards", lambda: (card,))
    plan = SetupPlan(SetupChoice("cuda"), Path("python"), (3, 11, 7), tmp_path)
    monkeypatch.setattr(setup_plan, "_require_space", lambda plan: None)
    if not obstacle:
        require_possible(plan, online=True)
        return
    with pytest.raises(EngineSetupError, match=re.escape(obstacle)):
        require_possible(plan, online=True)


def test_one_card_that_serves_is_enough_and_none_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = GraphicsCard("GTX 970", 580, (5, 2)), GraphicsCard("RTX 4090", 580, (8, 9))
    for cards, wanted in (((old, new), False), ((), False), ((old,), True)):
        monkeypatch.setattr(graphics_card, "find_cards", lambda cards=cards: cards)
        assert bool(graphics_card.card_obstacle()) is wanted
    assert cards_in("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.") == ()


def test_store_stand_in_of_windows_is_never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"python3": r"C:\Users\a\AppData\Local\Microsoft\WindowsApps\python3.exe", "python": r"C:\Py\python.exe"}
    monkeypatch.setattr(base_python.shutil, "which", places.get)
    asked = list(base_python.candidates("win32"))
    assert [r"C:\Py\python.exe"] in asked and not any("WindowsApps" in word for line in asked for word in line)


@pytest.mark.parametrize("name", ["NUL", "com1.txt", "aux ", "a/b", "tab\tname", "x<y>z", "end. "])
def test_no_name_of_a_file_is_one_that_windows_refuses(name: str) -> None:
    stem = file_stem(name)
    assert stem and not set(stem) & set('<>:"/\\|?*') and stem.isprintable()
    assert stem[-1] not in ". " and stem.split(".")[0].lower() not in ("nul", "com1", "aux", "con")
