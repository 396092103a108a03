# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipe to the engine process. Threads: one reader fills a queue; stopping waits in a thread of its own."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from ..errors import EngineSetupError
from ..exchange.protocol import JOB_BEGINS

_LINE_LIMIT = 4 * 1024 * 1024
_TAIL_BYTES = 4000
# as Python and its fault handler name the end, whatever module the class is from
_ERROR = re.compile(r"(Fatal Python error\b.*|([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|Interrupt|Exit)(:.*)?)$")
# lines of native libraries (glog, absl, TensorFlow Lite), of our own log, and of tracebacks
_CHATTER = re.compile(
    r"([IWEF]\d{4} |(INFO|WARNING)\b|\d{4}-\d\d-\d\d |Traceback |Thread 0x|Current thread |Extension modules|"
    r"<no Python frame>|File \")"
)
_SIGNALS = {6: "an abort in native code", 9: "killed, perhaps because memory ran short", 11: "a crash in native code"}
_WINDOWS_CODES = {0xC0000005: "a crash in native code", 0xC0000135: "a missing library", 0xC0000017: "no memory"}
# variables that would make the engine's Python load Blender's libraries
_FOREIGN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True, slots=True)
class StopDeadlines:
    """Seconds of patience: after closing stdin, and after terminating, before killing."""

    close_seconds: float = 3.0
    terminate_seconds: float = 2.0


class Transport(Protocol):
    """What the client needs of a running engine; tests put their own here."""

    def send(self, line: str) -> bool: ...

    def receive(self) -> list[str]: ...

    def ended(self) -> bool: ...

    def describe_end(self) -> str: ...

    def stop(self, then: Callable[[], None] = lambda: None) -> None: ...

    def wait(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EngineCommand:
    """How to start an engine: program and arguments, the folder to run in, the log for its stderr."""

    arguments: tuple[str, ...]
    code_root: Path
    folder: Path
    log: Path
    deadlines: StopDeadlines = StopDeadlines()


class ProcessTransport:
    """A child process that talks lines. It is never forked, and dies with its stdin."""

    def __init__(self, command: EngineCommand) -> None:
        self._command = command
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._read_all = False
        self._stopping: threading.Thread | None = None
        self._process = _start(command)
        threading.Thread(target=self._read, name="mimesh-engine", daemon=True).start()

    def send(self, line: str) -> bool:
        """Write one line; False when nobody reads any more."""
        stream = _pipe(self._process.stdin)
        try:
            stream.write(line.encode() + b"\n")
            stream.flush()
        except (OSError, ValueError):
            return False
        return True

    def receive(self) -> list[str]:
        """All lines that have arrived since the last call; never waits."""
        lines = []
        while not self._lines.empty():
            line = self._lines.get_nowait()
            if line is None:
                self._read_all = True
            else:
                lines.append(line)
        return lines

    def ended(self) -> bool:
        """The process is gone and its last line was received."""
        return self._read_all and self._process.poll() is not None

    def describe_end(self) -> str:
        """``exit code 1: ModuleNotFoundError: ...``, as far as it is known."""
        reason = describe_code(self._process.poll())
        last = last_error(self._command.log)
        return f"{reason}: {last}" if last else reason

    def stop(self, then: Callable[[], None] = lambda: None) -> None:
        """Close stdin, then terminate, then kill, each after its deadline; returns at once.

        ``then`` is called, in a thread, when the process has gone.
        """
        self._stopping = threading.Thread(target=self._stop, args=(then,), name="mimesh-engine-stop", daemon=True)
        self._stopping.start()

    def wait(self) -> None:
        """Block until a stopped process has gone, which the deadlines bound."""
        if self._stopping is not None:
            self._stopping.join()

    def _stop(self, then: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
        if not self._gone_within(self._command.deadlines.close_seconds):
            self._process.terminate()
            if not self._gone_within(self._command.deadlines.terminate_seconds):
                self._process.kill()
                self._process.wait()
        then()

    def _gone_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _read(self) -> None:
        stream = _pipe(self._process.stdout)
        for raw in iter(lambda: stream.readline(_LINE_LIMIT), b""):
            self._lines.put(raw.decode("utf-8", "replace"))
        stream.close()
        self._process.wait()
        self._lines.put(None)


def engine_environment(code_root: Path) -> dict[str, str]:
    """The child's environment: our code first, nothing of Blender's or the user's own Python."""
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}
    environment["PYTHONPATH"] = str(code_root)
    environment["PYTHONNOUSERSITE"] = "1"
    # what lies in the folder that it runs in is never imported (Python 3.11 and later)
    environment["PYTHONSAFEPATH"] = "1"
    environment["PYTHONUTF8"] = "1"
    # threads that spin while they wait cost ten times the time on a machine that has other work
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def last_error(path: Path) -> str:
    """What the engine said of its own end, shortened; empty when it said nothing.

    Only what it wrote since the last job began counts, and an error goes before native libraries' chatter.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    _, begins, after = text.rpartition(JOB_BEGINS)
    # the rest of the line that says it is no error
    lines = after.splitlines()[1:] if begins else after.splitlines()
    said = [line.strip() for line in lines]
    said = [line for line in said if line and not _CHATTER.match(line)]
    errors = [line for line in said if _ERROR.match(line)]
    return (errors or said or [""])[-1][:200]


def describe_code(code: int | None) -> str:
    """An exit code in words: ``signal 11 (a crash in native code)``."""
    if code is None:
        return "a closed pipe"
    if sys.platform == "win32" and code & 0xFFFFFFFF in _WINDOWS_CODES:
        return f"exit code {code & 0xFFFFFFFF:#x} ({_WINDOWS_CODES[code & 0xFFFFFFFF]})"
    if code >= 0:
        return f"exit code {code}"
    meaning = _SIGNALS.get(-code, "")
    return f"signal {-code} ({meaning})" if meaning else f"signal {-code}"


def quiet_process_flags() -> int:
    """No console window on Windows."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _start(command: EngineCommand) -> subprocess.Popen[bytes]:
    program = Path(command.arguments[0])
    try:
        command.folder.mkdir(parents=True, exist_ok=True)
        log = command.log.open("wb")
    except OSError as error:
        raise EngineSetupError(
            f"The engine's log {command.log} cannot be written ({error.strerror or error}).",
            "Choose a writable Cache Folder in the preferences, or make room on its disk.",
        ) from error
    try:
        with log:
            return _popen(command.arguments, command, log)
    except FileNotFoundError as error:
        raise EngineSetupError(
            f"The engine's Python {program} does not exist.", "Choose another Python or run the engine setup."
        ) from error
    except OSError as error:
        raise EngineSetupError(
            f"The engine's Python {program} cannot be started ({error.strerror or error}).",
            "Choose another Python or run the engine setup.",
        ) from error


def _popen(arguments: Sequence[str], command: EngineCommand, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=command.folder,
        env=engine_environment(command.code_root),
        creationflags=quiet_process_flags(),
    )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # both are opened in _popen
    return stream
