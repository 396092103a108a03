# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, judging and making the engine's Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from core.client.environment import environment_python, find_engine_python, inspect_python
from core.client.setup_plan import CLASSIC_TRACKER, REQUIREMENTS_FILE, TASKS_FILE, TASKS_TRACKER
from core.errors import EngineSetupError
from core.exchange.packages import parse_version, problems_with

COMPLETE = {
    "numpy": "1.26.4",
    "torch": "2.13.0+cpu",
    "av": "18.1.0",
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


def pinned(python: str, platform: str, *more: str) -> dict[str, str]:
    """What the requirement files pin for one Python and system."""
    lines = [line for path in (REQUIREMENTS_FILE, TASKS_FILE) for line in path.read_text().splitlines()]
    chosen = {}
    for line in [*filter(None, lines), *more]:
        requirement, _, marker = line.partition(";")
        new = tuple(map(int, python.split("."))) >= (3, 13)
        wanted = {
            "": True,
            'python_version < "3.13"': not new,
            'python_version >= "3.13"': new,
            'sys_platform == "win32"': platform == "win32",
            'sys_platform != "win32"': platform != "win32",
        }
        if not line.startswith("#") and wanted[marker.strip()]:
            name, _, version = requirement.strip().partition("==")
            chosen[name] = version
    return chosen


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
@pytest.mark.parametrize(
    ("python", "tracker"), [("3.11", CLASSIC_TRACKER), ("3.12", CLASSIC_TRACKER), ("3.13", TASKS_TRACKER)]
)
def test_pinned_requirements_satisfy_the_ranges(python: str, tracker: str, platform: str) -> None:
    version = tuple(map(int, python.split(".")))
    assert problems_with(dict(pinned(python, platform, tracker)), version) == []


def test_windows_gets_a_torch_whose_paths_fit() -> None:
    assert pinned("3.11", "win32")["torch"] == "2.12.1"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"torch": None}, "torch is missing"),
        ({"torch": "1.13.1"}, "torch is 1.13.1, needed is 2.4 or later"),
        ({"mediapipe": "0.9.0"}, "mediapipe is 0.9.0, needed is 0.10.9 or later"),
        ({"protobuf": "5.29.0"}, "protobuf is 5.29.0"),
    ],
)
def test_wrong_package_is_named_with_what_is_needed(change: dict[str, str | None], word: str) -> None:
    problems = problems_with({**COMPLETE, **change}, (3, 11, 7))
    assert len(problems) == 1 and problems[0].startswith(word)


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 15, 0)])
def test_python_outside_the_range_is_a_problem(version: tuple[int, ...]) -> None:
    assert "needed is 3.11 to 3.14" in problems_with(COMPLETE, version)[0]


def test_newer_tracker_needs_other_packages_than_the_classic_one() -> None:
    newer = {name: version for name, version in COMPLETE.items() if name not in ("attrs", "protobuf")}
    newer["mediapipe"] = "1.2.3"
    assert problems_with({**newer, "certifi": "2026.1", "matplotlib": "3.11.2"}, (3, 13, 0)) == []
    assert problems_with(newer, (3, 13, 0)) == ["certifi is missing", "matplotlib is missing"]


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
