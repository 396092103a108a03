# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries one documented command in the sandbox by its rule, and says what is wrong with what came of it."""

from __future__ import annotations

import functools
import json
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands.checks import problem_with
from tests.commands.sandbox import HERE, Done, Sandbox
from tests.commands.table import RULES, Rule
from tests.documented import ROOT, Documented, block


def rule_for(text: str) -> Rule | None:
    """The first that fits."""
    return next((rule for rule in RULES if re.fullmatch(rule.pattern, text)), None)


@dataclass(slots=True)
class Tried:
    """A command and what came of it. blends: copies of the .blend files that it made, to be looked into together."""

    command: Documented
    runs: list[Done] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    blends: list[Path] = field(default_factory=list)


def try_command(sandbox: Sandbox, command: Documented, rule: Rule, data: Path | None = None) -> Tried:
    """Run it, or its short form, and look at what it made."""
    tried = Tried(command)
    names = {"folder": str(sandbox.folder), "here": str(HERE), "root": str(ROOT), "data": str(data or "")}
    if rule.beside:
        names["port"] = str(_free_port())
    try:
        for server, ready in rule.beside:
            sandbox.start(_named(server, names), ready)
        more = {name: _named(value, names) for name, value in rule.environment}
        for form in rule.run or (command.text,):
            line = _in_blender(sandbox.filled(_named(form, names)))
            where = ROOT if rule.clone else None
            tried.runs.append(sandbox.run(line, more=more, where=where))
    finally:
        sandbox.close()
    _judge(sandbox, rule, tried)
    return tried


def restore_shot(sandbox: Sandbox) -> None:
    """The edit as the animator had it: each page begins with that."""
    shutil.copy(sandbox.folder / "before" / "shot.blend", sandbox.folder / "shot.blend")


def look_into(sandbox: Sandbox, blends: list[Path]) -> dict[Path, int]:
    """How many curves of each move."""
    names = " ".join(str(path) for path in blends)
    said = sandbox.run(f"blender -b -P {HERE / 'look_inside.py'} -- {names}").said
    line = next(line for line in said.splitlines() if line.startswith("MOVING"))
    return {Path(path): count for path, count in json.loads(line.removeprefix("MOVING")).items()}


def run_caller(sandbox: Sandbox) -> tuple[str, Path]:
    """The caller of docs/service.md with the command and the request of that page; its last message, its folder."""
    page = "docs/service.md"
    folder = sandbox.folder / "tmp" / "1"
    folder.mkdir(parents=True)
    asked = json.loads(sandbox.filled(block(page, "json")))
    asked["request"]["audio"]["path"] = str(sandbox.folder / "talk.wav")
    asked["request"]["style"] = str(sandbox.folder / "styles" / "Ada.safetensors")
    line = sandbox.filled(" ".join(block(page, "").replace("\\\n", " ").split()))
    words = line.split()
    lines = [
        "import os",
        f"os.environ.update({dict([words[0].split('=', 1)])!r})",
        f"command, folder, request = {words[1:]!r}, {str(folder)!r}, {asked['request']!r}",
        block(page, "python"),
        "print(json.dumps(message))",
        "engine.wait(60)",
    ]
    (sandbox.folder / "caller.py").write_text("\n".join(lines))
    done = sandbox.run(f"{sys.executable} caller.py")
    told = [line for line in done.said.splitlines() if line.startswith('{"') and '"type"' in line]
    return (told[-1] if told else done.said), folder


def _judge(sandbox: Sandbox, rule: Rule, tried: Tried) -> None:
    for done in tried.runs:
        if done.code:
            tried.problems.append(f"{done.line} ended with {done.code}: {done.said[-1500:]}")
        if "Traceback (most recent call last)" in done.said:
            tried.problems.append(f"{done.line} has a traceback: {done.said[-1500:]}")
    said = "".join(done.said for done in tried.runs)
    if rule.says and rule.says not in said:
        tried.problems.append(f"never says {rule.says}: {said[-1500:]}")
    made = {path for done in tried.runs for path in done.made}
    for name in rule.makes:
        files = [path for path in sandbox.folder.glob(name) if path in made]
        if not files:
            tried.problems.append(f"did not make {name}: {said[-1500:]}")
        tried.problems += [told for path in files if path.suffix != ".blend" and (told := problem_with(path))]
        tried.blends += [_kept(sandbox, path) for path in files if path.suffix == ".blend"]


def _kept(sandbox: Sandbox, path: Path) -> Path:
    """A copy: the next command may write over it."""
    kept = sandbox.folder / "before" / f"{len(list((sandbox.folder / 'before').iterdir()))}_{path.name}"
    shutil.copy(path, kept)
    return kept


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(folder|here|root|data|port)\}", lambda found: names[found[1]], text)


def _in_blender(line: str) -> str:
    # what the farm puts in, and a shell would take for a remark
    return re.sub(r"(?<=/)####", "'####'", line)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


@functools.cache
def recipe_lines(target: str) -> tuple[str, ...]:
    """What make would run for a target, as the docs would write it."""
    if shutil.which("make") is None:
        # the folder in which the real Blender is has none
        return ()
    done = subprocess.run(["make", "--dry-run", "--always-make", target], cwd=ROOT, capture_output=True, text=True)
    found = []
    for line in done.stdout.replace("\\\n", " ").splitlines():
        text = " ".join(line.replace(str(ROOT) + "/", "").split())
        text = re.sub(r"(?<!\S)\.venv/bin/python", "python", text)
        if re.match(r"[A-Z0-9_]+=|python |bash ", text):
            found.append(text)
    # what makes the environments is CI's first step
    return tuple(text for text in found if not re.search(r" -m (venv|pip) |system_packages", text))
