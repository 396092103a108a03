# SPDX-License-Identifier: GPL-3.0-or-later
"""One request on its way to the engine and back. numpy and standard library only."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..errors import EngineError, MimeshError
from ..exchange.protocol import JobProgress, JsonObject, Message
from ..exchange.results import FIRST_FOLDER

_T = TypeVar("_T")
_POLL_SECONDS = 0.03
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job stands.

    fraction: of the whole job. quiet_seconds: since the engine last said how far it is. silent_for: why that may be
    long, as the engine said; else empty.
    """

    stage: str
    fraction: float
    seconds_left: float | None
    done: bool
    quiet_seconds: float = 0.0
    silent_for: str = ""


class Desk(Protocol):
    """What a job needs of its client."""

    def pump(self) -> None: ...

    def cancel(self, job: Job[_T]) -> None: ...


class Job(Generic[_T]):
    """One request. Poll it until ``done``; after :meth:`cancel` nobody need poll it any more."""

    def __init__(self, desk: Desk, folder: Path, read: Callable[[Path, JsonObject], _T]) -> None:
        self.id = folder.name
        self.folder = folder
        self._desk = desk
        self._read = read
        self._status = JobStatus("start", 0.0, None, done=False)
        self._error: MimeshError | None = None
        self._value: _T | None = None
        self._first: _T | None = None
        self._last_message_at = time.monotonic()
        self.message: Message | None = None
        self.cancelled = False
        self.tries = 1
        self._answered = threading.Event()

    def poll(self) -> JobStatus:
        """Take in what the engine said; never waits."""
        self._desk.pump()
        if self._status.done:
            return self._status
        return dataclasses.replace(self._status, quiet_seconds=time.monotonic() - self._last_message_at)

    def result(self) -> _T:
        """The finished job's value. Raises the engine's error, or EngineError when it is not done yet."""
        if not self._status.done:
            raise EngineError("The job is not done yet.", "Poll it until it is.")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def first(self) -> _T | None:
        """What there is before the person has been learnt, once; None until then and ever after."""
        found, self._first = self._first, None
        return found

    def wait(self, watch: Callable[[JobStatus], None] = lambda status: None) -> _T:
        """Block until done, for callers without an event loop; ``watch`` sees every status."""
        while not (status := self.poll()).done:
            watch(status)
            time.sleep(_POLL_SECONDS)
        watch(self._status)
        return self.result()

    def cancel(self) -> None:
        """Ask the engine to stop; returns at once. The engine stays warm when it answers in time."""
        if not self._status.done:
            self._desk.cancel(self)

    @property
    def answered(self) -> threading.Event:
        """Set once the job is done, whatever its end."""
        return self._answered

    @property
    def stage(self) -> str:
        """The stage that the engine last named."""
        return self._status.stage

    @property
    def untouched(self) -> bool:
        """The engine has not begun it, and it has not been sent twice."""
        return self.stage == "start" and self.tries == 1 and not self.cancelled

    def take_progress(self, message: JobProgress) -> None:
        """Note how far the engine is, never backwards."""
        self._last_message_at = time.monotonic()
        fraction = min(max(message.fraction, self._status.fraction), 1.0)
        left, why = message.seconds_left, message.silent_for
        self._status = JobStatus(message.stage, fraction, left, done=False, silent_for=why)

    def take_first(self, values: JsonObject) -> None:
        """Keep what comes before the result; one that cannot be read is none, since the result will come."""
        self._last_message_at = time.monotonic()
        try:
            self._first = self._read(self.folder / FIRST_FOLDER, values)
        except (OSError, ValueError, KeyError, TypeError, EOFError, MimeshError) as error:
            _log.warning("a first result cannot be read (%s)", error)

    def take_result(self, values: JsonObject) -> None:
        """Read the arrays from the job's folder and finish."""
        try:
            self._value = self._read(self.folder, values)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            self.fail(EngineError(f"The engine's result cannot be read ({error}).", "Try again."))
            return
        except MimeshError as error:
            self.fail(error)
            return
        self._finish(JobStatus(self._status.stage, 1.0, 0.0, done=True))

    def fail(self, error: MimeshError) -> None:
        """Finish with an error."""
        self._error = error
        self._finish(JobStatus(self._status.stage, self._status.fraction, None, done=True))

    def remove_folder(self) -> None:
        """Also for a second try, once a dying engine has let go of its files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _finish(self, status: JobStatus) -> None:
        self._status = status
        self.remove_folder()
        self._answered.set()
