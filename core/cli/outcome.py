# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command tells at its end: sentences for people, or one JSON object for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import MimeshError
from .console import whole_file
from .exit_codes import ExitCode, exit_code

# where --json was given without a file
TO_STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Outcome:
    """status: one word. text: lines for people. facts: JSON values, beside status and exit code."""

    status: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    code: ExitCode = ExitCode.DONE

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` writes."""
        return {"status": self.status, "exit_code": int(self.code), **self.facts}


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """``--json``, alone or with a file."""
    parser.add_argument(
        "--json",
        type=Path,
        nargs="?",
        const=TO_STDOUT,
        default=None,
        metavar="FILE",
        help="write the result as one JSON object to FILE, or as the last line of stdout",
    )


def tell(options: argparse.Namespace, outcome: Outcome) -> int:
    """Print or write the outcome; returns the exit code."""
    wanted: Path | None = getattr(options, "json", None)
    if wanted != TO_STDOUT and outcome.text:
        print(outcome.text)
    _write_json(wanted, outcome.to_json())
    return int(outcome.code)


def tell_error(options: argparse.Namespace, error: MimeshError) -> int:
    """One sentence on stderr, and the JSON where it is wanted; returns the exit code."""
    code = exit_code(error)
    print("mimesh: cancelled." if code is ExitCode.CANCELLED else f"mimesh: {error}", file=sys.stderr)
    status = "cancelled" if code is ExitCode.CANCELLED else "failed"
    told = {"status": status, "exit_code": int(code), "error": error.kind}
    try:
        _write_json(getattr(options, "json", None), {**told, "message": error.message, "hint": error.hint})
    except MimeshError as unwritable:
        print(f"mimesh: {unwritable}", file=sys.stderr)
    return int(code)


def _write_json(wanted: Path | None, values: Mapping[str, Any]) -> None:
    if wanted is None:
        return
    text = json.dumps(values, ensure_ascii=wanted == TO_STDOUT, allow_nan=False)
    if wanted == TO_STDOUT:
        print(text, flush=True)
        return
    with whole_file(wanted) as path:
        path.write_text(text + "\n", encoding="utf-8")
