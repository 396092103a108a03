# SPDX-License-Identifier: GPL-3.0-or-later
"""A child program whose output is read line by line and that can be stopped at once, with all that it started."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import EngineSetupError
from .transport import engine_environment, quiet_process_flags

_TICK_SECONDS = 0.1
# a user's wishes that would lead an installation out of the environment that it is meant for
_ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN", "PIP_REQUIRE_HASHES", "UV_SYSTEM_PYTHON")
_END_SECONDS = 5.0


def run_lines(
    command: list[str], cwd: Path | None, tick: Callable[[], None], more: dict[str, str] | None = None
) -> Iterator[str]:
    """Yield each line of output (also one that ends in a carriage return); returns when the program ended well.

    ``tick`` is called several times a second, also while the program is silent, and may raise to stop it. more:
    variables beside those of :func:`plain_environment`. cwd: None is the present folder.
    Raises :class:`ProgramFailedError` with the last lines, or EngineSetupError when it cannot be started.
    """
    process = _start(command, cwd, more or {})
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(process, lines), name="mimesh-child", daemon=True).start()
    said: list[str] = []
    try:
        while True:
            tick()
            try:
                line = lines.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                break
            said.append(line)
            yield line
        code = process.wait()
    except BaseException:
        stop_family(process)
        raise
    if code != 0:
        raise ProgramFailedError(code, said)


class ProgramFailedError(Exception):
    """A program ended with an exit code; ``said`` is all of its output."""

    def __init__(self, code: int, said: list[str]) -> None:
        super().__init__(f"exit code {code}")
        self.code = code
        self.said = said


def stop_family(process: subprocess.Popen[str]) -> None:
    """End a program and all that it started, now."""
    if sys.platform == "win32":
        # TerminateProcess would leave pip's own children running
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(process.pid)],
            capture_output=True,
            creationflags=quiet_process_flags(),
            check=False,
        )
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)


def plain_environment() -> dict[str, str]:
    """The user's environment without what would lead another Python astray."""
    environment = engine_environment(Path())
    del environment["PYTHONPATH"]
    environment["PYTHONUNBUFFERED"] = "1"
    for name in _ELSEWHERE:
        environment.pop(name, None)
    # goes before a pip.conf that says otherwise
    environment["PIP_USER"] = "0"
    return environment


def _start(command: list[str], cwd: Path | None, more: dict[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=cwd,
            env={**plain_environment(), **more},
            creationflags=quiet_process_flags(),
            start_new_session=sys.platform != "win32",
        )
    except FileNotFoundError as error:
        raise EngineSetupError(
            f"The program {command[0]} does not exist.", "Choose another Python or run the engine setup."
        ) from error
    except OSError as error:
        raise EngineSetupError(
            f"{command[0]} cannot be started ({error.strerror or error}).", "Choose another Python."
        ) from error


def _listen(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None  # opened in _start
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout:
            if line.strip():
                lines.put(line.strip())
    lines.put(None)
