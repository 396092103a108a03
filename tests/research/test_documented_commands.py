# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command in the README, the docs and the model cards, whatever it starts with: parsed by the program itself.

``tests/unit/test_documentation.py`` does the same, faster, for the product's own commands.
"""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests import documented
from tests.documented import PROGRAMS, ROOT

PAGES = sorted([*documented.PAGES, *(ROOT / "vendor_models").glob("*.md")])
# a form is no command
COMMANDS = sorted({command.text for command in documented.commands(PAGES) if "…" not in command.text})


def words_of(command: str) -> list[str]:
    """The command's words without settings of the environment and without its remark; of [one|other] the first."""
    bare = re.sub(r"(\w+)\|[\w|]+", r"\1", command.partition("  #")[0])
    words = shlex.split(bare, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    return words


def program(words: list[str]) -> str:
    return Path(words[0]).name


def test_nothing_in_a_block_of_commands_is_of_a_kind_that_nobody_tries() -> None:
    for command in COMMANDS:
        assert program(words_of(command)) in PROGRAMS, command


class AllReadError(Exception):
    """The program has read its arguments and would begin."""


def python_commands() -> list[str]:
    chosen = []
    for command in COMMANDS:
        words = words_of(command)
        if program(words) in ("python", "torchrun") and "core" not in words:
            chosen.append(command)
    return chosen


@pytest.mark.slow
@pytest.mark.parametrize("command", python_commands(), ids=lambda command: command[:70])
def test_every_python_command_is_understood_by_the_module_that_it_names(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_of(command)[1:]
    while words[0].startswith("--"):
        # torchrun's own options
        words = words[1:]
    read = argparse.ArgumentParser.parse_args

    def only_read(parser: argparse.ArgumentParser, *given: Any, **named: Any) -> NoReturn:
        read(parser, *given, **named)
        raise AllReadError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_read)
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file(), command
        return
    if words[1] == "pytest":
        assert all((ROOT / path).exists() for path in words[2:] if not path.startswith("-")), command
        return
    monkeypatch.setattr(sys, "argv", [words[1], *words[2:]])
    with pytest.raises(AllReadError):
        runpy.run_module(words[1], run_name="__main__", alter_sys=False)


@pytest.mark.parametrize(
    "command", [line for line in COMMANDS if program(words_of(line)) == "make"], ids=lambda command: command[:70]
)
def test_make_knows_what_to_do_for_every_make_command(command: str) -> None:
    done = subprocess.run(["make", "--dry-run", *words_of(command)[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", [line for line in COMMANDS if program(words_of(line)) == "pip"], ids=lambda command: command[:70]
)
def test_what_pip_is_given_is_in_the_repository_and_what_the_engine_needs(command: str) -> None:
    words = words_of(command)
    if "-r" in words:
        assert (ROOT / words[words.index("-r") + 1]).is_file()
    elif "--editable" in words:
        assert (ROOT / words[words.index("--editable") + 1] / "pyproject.toml").is_file()
    else:
        pinned = (ROOT / "core" / "exchange" / "packages.py").read_text(encoding="utf-8")
        name, _, version = words[-1].partition("==")
        assert name in pinned and version in pinned
