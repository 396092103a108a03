# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that take hours on people's recordings: each is begun where there are none, and says so in a sentence.

On a few clips they are run by `make documented-commands`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.table import RULES
from tests.commands.trying import recipe_lines, rule_for
from tests.documented import ROOT, commands

pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# one process for all of them: loading PyTorch is most of the time
BEGIN = """
import contextlib, io, json, runpy, shlex, sys, traceback
told = {}
for line in json.load(sys.stdin):
    words = shlex.split(line)
    sys.argv = [words[2], *words[3:]]
    said, code = io.StringIO(), 0
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            runpy.run_module(words[2], run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            code, _ = -1, traceback.print_exc()
    told[line] = [code, said.getvalue()]
print("TOLD" + json.dumps(told))
"""


def lines() -> list[str]:
    """The documented commands and the lines of make targets that read recordings of people, and the training."""
    found = [command.text for command in commands()]
    for target in ("benchmark-style", "benchmark-alternatives", "benchmark-mimic", "benchmark-pose", "train"):
        found += recipe_lines(target)
    people = {rule.pattern for rule in RULES if "MIMESH_DATA" in dict(rule.environment)}
    wanted = []
    for text in dict.fromkeys(found):
        rule = rule_for(text)
        trains = text.removeprefix("python -m research.training ") in ("tracks", "face-basis", "faces", "pose")
        if trains or (rule is not None and rule.pattern in people and text.startswith("python -m ")):
            wanted.append(text)
    return wanted


def test_every_program_about_people_says_in_a_sentence_that_there_are_none(tmp_path: Path) -> None:
    environment = {**os.environ, "MIMESH_DATA": str(tmp_path / "none"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN],
        input=json.dumps(lines()),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    line = next((text for text in done.stdout.splitlines() if text.startswith("TOLD")), None)
    assert line is not None, done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(line.removeprefix("TOLD"))
    assert len(told) > 8
    # one that needs more than people may name that first
    wrong = {text: said[-400:] for text, (code, said) in told.items() if code != 1 or "Traceback" in said}
    assert wrong == {}
    assert sum(str(tmp_path / "none") in said for _, said in told.values()) > 8
