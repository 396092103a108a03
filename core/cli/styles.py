# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core styles``: the style library without Blender."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..style.library import StyleEntry
from .commands import Commands
from .console import style_library


def add_command(commands: Commands) -> None:
    """``styles``, its actions and their options."""
    parser = commands.add_parser("styles", help="list, rename, delete, export and import saved styles")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add(actions.add_parser("list", help="show every style and where it comes from"), run_list)
    _add(actions.add_parser("rename", help="give a style another name"), run_rename, "name", "new_name")
    _add(actions.add_parser("delete", help="remove a style for good"), run_delete, "name")
    _add(actions.add_parser("export", help="copy a style to a file or folder"), run_export, "name", "file")
    _add(actions.add_parser("import", help="copy a style file into the library"), run_import, "file")


def run_list(options: argparse.Namespace) -> None:
    """One line per style."""
    entries = style_library(options).entries()
    print("\n".join(map(describe, entries)) if entries else f"There is no style in {style_library(options).folder}.")


def run_rename(options: argparse.Namespace) -> None:
    """The content stays."""
    print(f'"{options.name}" is called "{style_library(options).rename(options.name, options.new_name).name}" now.')


def run_delete(options: argparse.Namespace) -> None:
    """Whoever types the command has been asked enough."""
    style_library(options).delete(options.name)
    print(f'Deleted the style "{options.name}".')


def run_export(options: argparse.Namespace) -> None:
    """An existing file is replaced."""
    print(f"Exported {style_library(options).export(options.name, options.file)}.")


def run_import(options: argparse.Namespace) -> None:
    """A name that is taken gets a number."""
    print(f'Imported the style "{style_library(options).import_file(options.file).name}".')


def describe(entry: StyleEntry) -> str:
    """One line: the name, then what is known."""
    if entry.problem:
        return f"{entry.name}: {entry.problem}"
    known = [entry.source, f"{entry.seconds:.1f} s", entry.created[:10], "+".join(("face", "head", *entry.parts))]
    return f"{entry.name}: {', '.join(filter(None, known))}"


def _add(parser: argparse.ArgumentParser, run: object, *arguments: str) -> None:
    for name in arguments:
        parser.add_argument(name, type=Path if name == "file" else str)
    parser.add_argument("--library", type=Path, help="folder of the styles, else $MIMESH_STYLES")
    parser.set_defaults(run=run)
