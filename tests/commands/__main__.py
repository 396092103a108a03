# SPDX-License-Identifier: GPL-3.0-or-later
"""``make documented-commands``: every command of README, CONTRIBUTING and docs, and what came of each, as a table.

    python -m tests.commands [--only WORD] [--page docs/batch.md] [--blender /usr/bin/blender --zip mimesh.zip]

With ``--blender`` a real binary takes the place of Blender's module, for what begins with ``blender``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.commands.sandbox import Sandbox, make_sandbox
from tests.commands.small_data import small_data, small_people
from tests.commands.table import Rule
from tests.commands.trying import Tried, look_into, recipe_lines, restore_shot, rule_for, try_command
from tests.documented import Documented, commands
from tests.package_index import make_wheels
from tests.unit.test_engine_environment import pinned

RUN = ("test", "long")


def main() -> int:
    """Run them, print a line for each; 1 where one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.commands", description=__doc__)
    parser.add_argument("--only", default="", help="commands that contain this")
    parser.add_argument("--page", default="", help="pages whose name contains this")
    parser.add_argument("--after", default="", help="those after the first command that contains this")
    parser.add_argument("--blender", default="", help="a real Blender for what begins with blender")
    parser.add_argument("--zip", default="", help="the extension to install in that Blender")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mimesh-documented-", ignore_cleanup_errors=True) as folder:
        sandbox = make_sandbox(Path(folder) / "work", chosen.blender, chosen.zip)
        make_wheels(sandbox.folder / "pinned", {**pinned("3.11", "linux"), "mediapipe": "0.10.21"})
        data = small_data(Path(folder) / "data")
        small_people(sandbox.folder / "people")
        rows = list(everything())
        first = next((i for i, (command, _) in enumerate(rows) if chosen.after and chosen.after in command.text), -1)
        wanted = [
            (command, rule)
            for command, rule in rows[first + 1 :]
            if chosen.only in command.text and chosen.page in command.page
        ]
        tried = list(run_all(sandbox, wanted, data))
        still = check_blends(sandbox, tried)
    failed = [done for done in tried if done.problems]
    for done in failed:
        say(f"\n{done.command.page}: {done.command.text}\n  " + "\n  ".join(done.problems))
    say(f"\n{len(tried)} commands, {len(failed)} failed; {len(still)} .blend files stand still {still or ''}")
    return 1 if failed or still else 0


def everything() -> Iterator[tuple[Documented, Rule]]:
    """Each command once, with its rule; in the place of a make target of hours the lines of its recipe."""
    seen: set[str] = set()
    for command in commands():
        rule = rule_for(command.text)
        lines = [command]
        if rule is not None and rule.when == "lines":
            lines = [Documented(command.page, line) for line in recipe_lines(command.words[1])]
        for line in lines:
            own = rule_for(line.text)
            key = own.pattern if own is not None and own.run else line.text
            if own is not None and key not in seen:
                seen.add(key)
                yield line, own


def run_all(sandbox: Sandbox, wanted: Sequence[tuple[Documented, Rule]], data: Path | None) -> Iterator[Tried]:
    """Run what can be run here, and print each line as it comes."""
    page = ""
    for command, rule in wanted:
        if rule.when not in RUN or ("MIMESH_DATA" in dict(rule.environment) and data is None):
            say(f"{'-':>4} {'':>8}  {command.text}  [{rule.why or rule.when}]")
            continue
        if command.page != page:
            page = command.page
            restore_shot(sandbox)
        done = try_command(sandbox, command, rule, data)
        made = ", ".join(path.name for run in done.runs for path in run.made[:3])
        last = next((line for line in reversed(done.runs[-1].said.splitlines()) if line.strip()), "")
        code = "/".join(str(run.code) for run in done.runs[:3])
        shown = command.text if not rule.run else f"{command.text}  [as: {'; '.join(rule.run)}]"
        say(f"{code:>4} {sum(run.seconds for run in done.runs):7.1f}s  {shown}\n{'':16}{made or last[:140]}")
        yield done


def check_blends(sandbox: Sandbox, tried: Sequence[Tried]) -> list[str]:
    """Names of those in which nothing moves."""
    blends = [path for done in tried for path in done.blends]
    return [path.name for path, count in look_into(sandbox, blends).items() if not count] if blends else []


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
