# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of README, CONTRIBUTING and docs is run, page by page, in a folder with the files that it names.

The engine is the real one. What takes longer than a test may is run by `make documented-commands`, see table.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.commands.sandbox import Sandbox, make_sandbox
from tests.commands.table import RULES
from tests.commands.trying import Tried, look_into, recipe_lines, restore_shot, rule_for, run_caller, try_command
from tests.documented import ROOT, Documented, commands
from tests.package_index import make_wheels
from tests.unit.test_engine_environment import pinned

pytest.importorskip("av")
pytest.importorskip("bpy")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COMMANDS = commands()
RUN_HERE = [command for command in COMMANDS if (rule := rule_for(command.text)) is not None and rule.when == "test"]
# once each: the pages repeat some of them, and some stand for the same
ONCE = list({(rule_for(command.text) or RULES[0]).run or command.text: command for command in RUN_HERE}.values())
MOVING_CURVES = 20
# what the docs' commands make: folders, and endings of files
LEFT = {"made", "wheels", "frames", ".npz", ".blend", ".json", ".csv", ".safetensors", ".html", ".glb", ".whl"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = make_sandbox(tmp_path_factory.mktemp("documented"))
    make_wheels(made.folder / "pinned", {**pinned("3.11", "linux"), "mediapipe": "0.10.21"})
    yield made
    made.close()


@pytest.fixture(scope="module")
def tried() -> list[Tried]:
    return []


def test_every_command_of_the_pages_has_a_rule_by_which_it_is_tried() -> None:
    assert [command for command in COMMANDS if rule_for(command.text) is None] == []
    assert len(ONCE) > 25


def test_no_rule_is_left_over_from_a_command_that_is_gone() -> None:
    texts = {command.text for command in COMMANDS} | {line for target in targets() for line in recipe_lines(target)}
    # where another rule comes first, the later one has nothing to do either
    used = {id(rule) for text in texts if (rule := rule_for(text)) is not None}
    assert [rule.pattern for rule in RULES if id(rule) not in used] == []


def targets() -> list[str]:
    """Every target of the Makefile but those that are parts of CI."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)) - CI_TARGETS)


# their recipes are pytest, ruff and mypy, which CI runs, or make nothing
CI_TARGETS = {"test", "test-fast", "setup", "help", "clean", "lint", "types", "unit", "models", "commands"} | {
    "blender",
    "blender-45",
    "laboratory",
    "laboratory-blender",
}


@pytest.mark.parametrize("target", targets())
def test_every_line_of_a_make_target_has_a_rule(target: str) -> None:
    lines = recipe_lines(target)
    assert lines and [line for line in lines if rule_for(line) is None] == []


@pytest.mark.parametrize("command", ONCE, ids=lambda command: f"{command.page}: {command.text}"[:110])
def test_command_does_what_the_page_says(command: Documented, sandbox: Sandbox, tried: list[Tried]) -> None:
    rule = rule_for(command.text)
    assert rule is not None
    if not any(other.command.page == command.page for other in tried):
        restore_shot(sandbox)
    done = try_command(sandbox, command, rule)
    tried.append(done)
    assert done.problems == []


def test_every_blend_that_a_command_made_moves(sandbox: Sandbox, tried: list[Tried]) -> None:
    blends = [path for done in tried for path in done.blends]
    if not blends:
        pytest.skip("no command was run before this")
    still = {path: count for path, count in look_into(sandbox, blends).items() if count < MOVING_CURVES}
    assert still == {}


def test_the_caller_of_the_page_gets_a_motion(sandbox: Sandbox) -> None:
    said, folder = run_caller(sandbox)
    assert json.loads(said)["type"] == "done", said
    with np.load(folder / "motion.npz") as data:
        assert np.std(data["jaw"][:, 0]) > 1e-3


def test_what_has_to_be_run_by_hand_is_told_in_the_docs() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "make documented-commands" in text
    assert re.search(r"^documented-commands:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(autouse=True)
def nothing_left_in_the_repository() -> Iterator[None]:
    """A command that the sandbox does not hold back would leave its file here."""
    before = set(ROOT.iterdir())
    yield
    # other tests run beside this one, and make caches
    left = {path.name for path in ROOT.iterdir() if path not in before}
    assert {name for name in left if name in LEFT or Path(name).suffix in LEFT} == set()
