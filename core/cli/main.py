# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the command line, runs one command, turns errors into one sentence and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from ..errors import CancelledError, MimeshError
from . import batch, export, generate, import_recording, motion, sheet, styles, track
from .commands import Host
from .console import quiet_libraries
from .outcome import Outcome, tell, tell_error

_COMMANDS = (track, motion, generate, batch, import_recording, export, sheet, styles)
# they run the engine in this process, and Blender's Python has none of its packages
_NOT_IN_BLENDER = (track, motion)


def main(arguments: Sequence[str] | None = None, host: Host | None = None) -> int:
    """Run a command; the exit code is one of :class:`~core.cli.exit_codes.ExitCode`."""
    host = host or Host()
    options = build_parser(host).parse_args(arguments)
    host.fill(options)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if options.verbose else logging.ERROR)
    try:
        with contextlib.nullcontext() if options.verbose else quiet_libraries(), _ends_as_cancelled():
            outcome: Outcome | None = options.run(options)
        return 0 if outcome is None else tell(options, outcome)
    except KeyboardInterrupt:
        return tell_error(options, CancelledError("Cancelled."))
    except MimeshError as error:
        return tell_error(options, error)


def build_parser(host: Host | None = None) -> argparse.ArgumentParser:
    """All commands and their options."""
    host = host or Host()
    parser = argparse.ArgumentParser(prog=host.program, description="Speech and a reference video in, motion out.")
    parser.add_argument("--verbose", action="store_true", help="say what happens inside")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        if not (host.in_blender and module in _NOT_IN_BLENDER):
            module.add_command(commands)
    return parser


@contextlib.contextmanager
def _ends_as_cancelled() -> Iterator[None]:
    """A farm's SIGTERM and a terminal's Ctrl+C end the work as KeyboardInterrupt, also where Blender took them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in earlier:
            signal.signal(number, signal.default_int_handler)
        yield
    finally:
        for number, handler in earlier.items():
            # None: set by native code, which Python cannot put back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
