# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages that mkdocs gets from the code: every setting from its one declaration, every command from its parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core.cli.main import build_parser  # noqa: E402
from core.settings import MOTION_GROUPS, BakeSettings  # noqa: E402
from core.settings_schema import SettingField, setting_fields  # noqa: E402

_TITLES = {"face": "The face", "head": "The head", "eyes": "The eyes", "run": "The run", "bake": "The keys"}


def on_files(files: Any, *, config: Any) -> Any:
    """mkdocs calls it before it reads the pages."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "reference/settings.md", content=settings_page()))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    return files


def settings_page() -> str:
    """A table for each group of settings."""
    lines = [
        "# Every setting",
        "",
        "Made from `core/settings.py`. *In scripts* is the property below `bpy.context.scene.mimesh`.",
    ]
    for name, group in {**MOTION_GROUPS, "bake": BakeSettings}.items():
        lines += ["", f"## {_TITLES.get(name, name.capitalize())}", ""]
        lines += [
            "| setting | what it does | values | default | command line | in scripts |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(item) for item in setting_fields(group) if item.setting.offered]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The help of each command, as it is printed."""
    lines = ["# Every command", "", "Made from the commands' own parsers: what `--help` prints."]
    for name, parser in _parsers(build_parser()):
        lines += ["", f"## {name}", "", "```text", _help(parser), "```"]
    return "\n".join(lines) + "\n"


def _row(item: SettingField) -> str:
    declared = item.setting
    values = ", ".join(f"*{choice.label}*: {choice.help}" for choice in declared.known_choices())
    if declared.low is not None or declared.high is not None:
        low, high = ("" if limit is None else f"{limit:g}" for limit in (declared.low, declared.high))
        values = f"{low} to {high} {declared.unit}".strip() if high else f"from {low}"
    elif item.kind is bool:
        values = "on, off"
    default = {None: "none", "": "none", True: "on", False: "off"}.get(item.default, item.default)
    default = "none" if item.default in (None, "") else default
    cells = (declared.label, declared.help, values or "text", f"{default}", f"`{item.cli}`", f"`{item.prop}`")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield parser.prog, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)


def _help(parser: argparse.ArgumentParser) -> str:
    # the same width on every machine
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)  # type: ignore[assignment, return-value]
    return parser.format_help().strip()
