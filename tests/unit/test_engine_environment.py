# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, judging and making the engine's Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from core.client import environment
from core.client.environment import (
    REQUIREMENTS_FILE,
    create_environment,
    environment_python,
    find_base_python,
    find_engine_python,
    inspect_python,
)
from core.errors import CancelledError, EngineSetupError
from core.exchange.packages import REQUIREMENTS, parse_version, problems_with

COMPLETE = {
    "numpy": "1.26.4",
    "torch": "2.13.0+cpu",
    "av": "18.1.0",
    "librosa": "0.11.0",
    "mediapipe": "0.10.21",
    "absl-py": "2.5.1",
    "attrs": "26.1.0",
    "flatbuffers": "25.12.19",
    "protobuf": "4.25.9",
}


def fake_python(path: Path, packages: dict[str, str | None], version: tuple[int, ...] = (3, 11, 7)) -> Path:
    """A program that answers the look script as a Python with ``packages`` would."""
    answer = json.dumps({"python": list(version), "versions": packages})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def test_pinned_requirements_satisfy_the_ranges() -> None:
    lines = [line for line in REQUIREMENTS_FILE.read_text().splitlines() if line and not line.startswith("#")]
    pinned = dict(line.split("==") for line in [*lines, environment.TRACKER_REQUIREMENT])
    assert problems_with({name: pinned.get(name) for name in COMPLETE}, (3, 11, 7)) == []
    assert {requirement.name for requirement in REQUIREMENTS} == set(COMPLETE)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"torch": None}, "torch is missing"),
        ({"torch": "1.13.1"}, "torch is 1.13.1, needed is 2.4 or later"),
        ({"mediapipe": "0.10.30"}, "mediapipe is 0.10.30, needed is 0.10.9 or later, below 0.10.22"),
        ({"protobuf": "5.29.0"}, "protobuf is 5.29.0"),
    ],
)
def test_wrong_package_is_named_with_what_is_needed(change: dict[str, str | None], word: str) -> None:
    problems = problems_with({**COMPLETE, **change}, (3, 11, 7))
    assert len(problems) == 1 and problems[0].startswith(word)


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 13, 5)])
def test_python_without_tracker_wheels_is_a_problem(version: tuple[int, ...]) -> None:
    assert "needed is 3.11 or 3.12" in problems_with(COMPLETE, version)[0]


def test_versions_are_compared_as_numbers() -> None:
    assert parse_version("0.10.21") > parse_version("0.10.9")
    assert parse_version("2.13.0+cpu") == (2, 13, 0)


def test_report_of_the_present_python_lists_what_is_there() -> None:
    report = inspect_python(Path(sys.executable))
    assert report.version == sys.version_info[:3]
    assert report.packages["numpy"] is not None
    assert f"numpy {report.packages['numpy']}" in report.summary()


def test_explicit_choice_wins_and_is_refused_when_it_does_not_fit(tmp_path: Path) -> None:
    good = fake_python(tmp_path / "good", COMPLETE)
    bad = fake_python(tmp_path / "bad", {**COMPLETE, "torch": None})
    assert find_engine_python(good) == good
    with pytest.raises(EngineSetupError, match=r"bad cannot run the engine: torch is missing"):
        find_engine_python(bad)


def test_variable_wins_over_the_made_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_python(environment_python(tmp_path / "engine"), COMPLETE)
    named = fake_python(tmp_path / "named", COMPLETE)
    monkeypatch.setenv("MIMESH_ENGINE_PYTHON", str(named))
    assert find_engine_python(None, tmp_path / "engine") == named
    monkeypatch.delenv("MIMESH_ENGINE_PYTHON")
    assert find_engine_python(None, tmp_path / "engine") == environment_python(tmp_path / "engine")


def test_nothing_found_names_all_that_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMESH_ENGINE_PYTHON", raising=False)
    running = fake_python(tmp_path / "running", {**COMPLETE, "av": None})
    made = fake_python(environment_python(tmp_path / "engine"), {**COMPLETE, "torch": None})
    monkeypatch.setattr(sys, "executable", str(running))
    with pytest.raises(EngineSetupError) as caught:
        find_engine_python(None, tmp_path / "engine")
    assert f"{made} (torch is missing" in str(caught.value)
    assert f"{running} (av is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "word"),
    [("exit 3", "does not run"), ("echo hello", "is no Python"), ("echo '[1]'", "is no Python")],
)
def test_program_that_is_no_python_is_told(body: str, word: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    with pytest.raises(EngineSetupError, match=word):
        inspect_python(program)


def test_missing_python_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineSetupError, match="does not exist"):
        inspect_python(tmp_path / "none")


def test_base_python_may_come_from_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(fake_python(tmp_path / "blender", {}, (3, 13, 1))))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EngineSetupError, match=r"3\.11 or 3\.12"):
        find_base_python()
    found = fake_python(tmp_path / "bin" / "python3.12", {}, (3, 12, 4))
    # the fake is a shell script
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setattr(environment.shutil, "which", lambda name: str(found) if name == "python3.12" else None)
    assert find_base_python() == found


def test_setup_is_refused_while_offline(tmp_path: Path) -> None:
    with pytest.raises(EngineSetupError, match="online access is off"):
        create_environment(tmp_path / "engine", online=False, tell=lambda line: None)
    assert not (tmp_path / "engine").exists()


def test_setup_never_overwrites_a_folder_that_is_no_environment(tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(EngineSetupError, match="holds something else"):
        create_environment(folder, online=True, tell=lambda line: None, base_python=Path(sys.executable))
    assert (folder / "thesis.txt").read_text() == "precious"


def test_failed_setup_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.write_text('#!/bin/sh\nmkdir -p "$4"\ntouch "$4/pyvenv.cfg"\necho "ensurepip is not available"\nexit 1\n')
    base.chmod(0o755)
    told: list[str] = []
    with pytest.raises(EngineSetupError, match="ensurepip is not available"):
        create_environment(tmp_path / "engine", online=True, tell=told.append, base_python=base)
    assert not (tmp_path / "engine").exists()
    assert "ensurepip is not available" in told


def test_cancelled_setup_stops_and_leaves_nothing(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.write_text('#!/bin/sh\nmkdir -p "$4"\ntouch "$4/pyvenv.cfg"\necho working\nexec sleep 60\n')
    base.chmod(0o755)

    def cancel(line: str) -> None:
        if line == "working":
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        create_environment(tmp_path / "engine", online=True, tell=cancel, base_python=base)
    assert not (tmp_path / "engine").exists()
