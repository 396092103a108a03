# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the interface, and which of them have no translation yet.

    python .ci/extract_messages.py            # what is missing in panels/translations.csv
    python .ci/extract_messages.py --write    # adds empty rows for it, to be filled in

Read from the source, without Blender: titles and labels of panels and operators, texts of rows, labels of settings.
"""

from __future__ import annotations

import argparse
import ast
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "panels" / "translations.csv"
_FOLDERS = ("panels", "operators")
# of calls: the arguments that are shown, by name; and those of assignments in a class
_SHOWN_ARGUMENTS = {"text", "name", "label", "placeholder"}
_SHOWN_NAMES = {"bl_label"}


def messages() -> set[str]:
    """All words that the interface shows and that stand in the source as they are."""
    files = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py")]
    files += [*(ROOT / "core").glob("*settings.py"), *_files_with_properties()]
    found = {message for path in files for message in _in_file(path)}
    return {message for message in found if any(letter.isalpha() for letter in message) and len(message) > 1}


def _files_with_properties() -> list[Path]:
    """Those of core/blender that declare what the panels show."""
    return [path for path in (ROOT / "core" / "blender").rglob("*.py") if "bpy.props." in path.read_text("utf-8")]


def _in_file(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and any(getattr(to, "id", "") in _SHOWN_NAMES for to in node.targets):
            yield from _text(node.value)
        elif isinstance(node, ast.Call):
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            for keyword in node.keywords:
                if keyword.arg in _SHOWN_ARGUMENTS:
                    yield from _text(keyword.value)
            if function == "draw_words" and len(node.args) > 1:
                yield from _text(node.args[1])
            if function == "Choice" and len(node.args) > 1:
                yield from _text(node.args[1])


def _text(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def read_table() -> dict[str, dict[str, str]]:
    """Words in English to translations by language."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row.pop("en_US"): row for row in csv.DictReader(file)}


def main() -> int:
    """Print what is missing, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="add empty rows for what is missing")
    known, found = read_table(), messages()
    missing = sorted(found - known.keys())
    if parser.parse_args().write:
        with TABLE.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([message, "", "", "", "", ""] for message in missing)
    else:
        sys.stdout.write("".join(f"{message}\n" for message in missing))
    return 0


if __name__ == "__main__":
    sys.exit(main())
