# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine process: ``python -m core.engine.worker --code-root DIR --job-root DIR``.

Threads: the main thread runs one job at a time; a reader thread turns stdin lines into queue entries and
cancel marks and touches nothing else. The end of stdin means that the caller is gone: the process ends.
Only the standard library is imported at the top, so that a Python without our packages can say so.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import logging
import os
import platform
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from ..checkpoint import checked_by
from ..errors import CancelledError, EngineSetupError, MimeshError
from ..exchange.packages import installed_versions, problems_with
from ..exchange.protocol import (
    JOB_BEGINS,
    PROTOCOL_VERSION,
    BankJob,
    Cancel,
    Failure,
    FirstResult,
    GenerateJob,
    HeadJob,
    JobDone,
    JobProgress,
    JsonObject,
    Message,
    PictureJob,
    Ready,
    TrackJob,
    Warm,
    decode,
)
from .faults import file_trouble, is_card_lost, unexpected
from .stages import TimeEstimate
from .stdio import Outbox, claim_standard_streams

_log = logging.getLogger(__name__)
_JOBS = (GenerateJob, HeadJob, BankJob, TrackJob, PictureJob)
# how long a job may take to notice that the caller is gone
_END_SECONDS = 5.0
_TICK_SECONDS = 1.0
# a progress line more often than this tells nobody anything
_REPORT_SECONDS = 0.05
# at a checkpoint, after so long without one, the last is said again
_WORD_SECONDS = 0.7


class Runner(Protocol):
    """What the worker needs from :class:`core.engine.jobs.JobRunner`."""

    def run(
        self, message: Message, progress: Callable[[str, float], None], on_first: Callable[[JsonObject], None]
    ) -> JsonObject: ...

    def warm_steps(self) -> tuple[Callable[[], None], ...]: ...

    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class IdleLimits:
    """Idle seconds after which models are unloaded and the process ends; 0 means never."""

    unload_seconds: float = 300.0
    exit_seconds: float = 3600.0


@dataclass(slots=True)
class Inbox:
    """Messages from the caller, filled by a reader thread."""

    stream: BinaryIO
    jobs: queue.SimpleQueue[Message | None] = field(default_factory=queue.SimpleQueue)
    cancelled: set[str] = field(default_factory=set)
    closed: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start reading commands from standard input."""
        threading.Thread(target=self._listen, name="mimesh-stdin", daemon=True).start()

    def _listen(self) -> None:
        for raw in iter(self.stream.readline, b""):
            message = decode(raw.decode("utf-8", "replace"))
            if isinstance(message, Cancel):
                self.cancelled.add(message.job)
            elif isinstance(message, _JOBS) and message.job:
                self.jobs.put(message)
            else:
                _log.warning("ignored: %s", message)
        self.closed.set()
        self.jobs.put(None)
        if not self.finished.wait(_END_SECONDS):
            # native code does not see the end of stdin; nobody waits for its answer
            os._exit(3)


@dataclass(slots=True)
class Worker:
    """The main loop: says Ready, warms up, then runs jobs until stdin ends."""

    inbox: Inbox
    outbox: Outbox
    runner: Runner
    limits: IdleLimits = IdleLimits()
    _parent: int = field(default_factory=os.getppid)
    # after a fault that this process does not get over; the caller starts another one
    _spent: bool = False

    def run(self) -> None:
        """Returns when the caller is gone or the engine was idle for long enough."""
        self.inbox.start()
        self._warm_up()
        while (message := self._next_job()) is not None:
            self._run_job(message)
        self.inbox.finished.set()

    def _warm_up(self) -> None:
        started = time.monotonic()
        for step in self.runner.warm_steps():
            if not self.inbox.jobs.empty():
                return
            try:
                step()
            except Exception:  # noqa: BLE001 - the first job will meet the same trouble and report it
                _log.exception("warm-up failed")
        self.outbox.send(Warm(time.monotonic() - started))

    def _next_job(self) -> Message | None:
        idle_since = time.monotonic()
        released = False
        while not self._orphaned() and not self._spent:
            try:
                return self.inbox.jobs.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                idle = time.monotonic() - idle_since
            if 0 < self.limits.exit_seconds < idle:
                return None
            if not released and 0 < self.limits.unload_seconds < idle:
                self.runner.release()
                released = True
        return None

    def _orphaned(self) -> bool:
        # POSIX hands orphans to another parent; it covers a stdin kept open by a stray copy of its handle
        return self.outbox.closed or os.getppid() != self._parent

    def _run_job(self, message: Message) -> None:
        job = str(getattr(message, "job", ""))
        reporter = _Reporter(job, self)
        _log.info("%s %s: %s", JOB_BEGINS, job, message.kind)
        try:
            reporter.check()
            with checked_by(reporter.check, reporter.explain):
                result = self.runner.run(message, reporter, reporter.first)
            self.outbox.send(JobDone(job, result))
        except MimeshError as error:
            _log.info("job %s: %s", job, error)
            self.outbox.send(Failure.of(job, error))
        except OSError as error:
            _log.warning("job %s: %s", job, error)
            self.outbox.send(Failure.of(job, file_trouble(error)))
        except Exception as error:  # noqa: BLE001 - the border: logged here, a sentence there
            _log.exception("job %s failed", job)
            self.outbox.send(Failure.of(job, unexpected(error)))
            self._spent = is_card_lost(error)
        self.inbox.cancelled.discard(job)

    def require_wanted(self, job: str) -> None:
        """Raise CancelledError once nobody waits for the job any more."""
        if job in self.inbox.cancelled or self.inbox.closed.is_set() or self._orphaned():
            raise CancelledError("Cancelled.")


@dataclass(slots=True)
class _Reporter:
    """The progress callback of one job."""

    job: str
    worker: Worker
    _estimate: TimeEstimate = field(default_factory=TimeEstimate)
    _last_sent: float = 0.0
    _last_stage: str = ""
    _fraction: float = 0.0
    _explained: bool = False

    def __call__(self, stage: str, fraction: float) -> None:
        self.worker.require_wanted(self.job)
        self._fraction = float(fraction)
        soon = time.monotonic() - self._last_sent < _REPORT_SECONDS
        if stage == self._last_stage and soon and not self._explained:
            return
        self._send(stage)

    def first(self, result: JsonObject) -> None:
        """Something to look at before the job is done."""
        self.worker.require_wanted(self.job)
        self.worker.outbox.send(FirstResult(self.job, result))

    def check(self) -> None:
        """A checkpoint: may raise, and says again how far the job is where that was long ago."""
        self.worker.require_wanted(self.job)
        if self._last_stage and (self._explained or time.monotonic() - self._last_sent >= _WORD_SECONDS):
            self._send(self._last_stage)

    def explain(self, why: str) -> None:
        """Say why no word will come for a while."""
        self.worker.require_wanted(self.job)
        if self._last_stage:
            self._send(self._last_stage, why)

    def _send(self, stage: str, why: str = "") -> None:
        self._last_sent, self._last_stage, self._explained = time.monotonic(), stage, bool(why)
        left = self._estimate.seconds_left(self._fraction)
        self.worker.outbox.send(JobProgress(self.job, stage, self._fraction, left, why))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of the process; the exit code is 0 when it ended as it should."""
    options = _parser().parse_args(arguments)
    channel = claim_standard_streams()
    faulthandler.enable(sys.stderr)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    outbox = Outbox(channel.outgoing)
    try:
        runner = _runner(options)
    except MimeshError as error:
        outbox.send(Failure.of("", error))
        return 1
    outbox.send(Ready(PROTOCOL_VERSION, platform.python_version(), str(options.code_root), installed_versions()))
    limits = IdleLimits(options.unload_seconds, options.exit_seconds)
    Worker(Inbox(channel.incoming), outbox, runner, limits).run()
    logging.shutdown()
    # native libraries' own exit handlers have been seen to hang; everything is written by now
    os._exit(0)


def _runner(options: argparse.Namespace) -> Runner:
    found = Path(__file__).resolve().parents[2]
    if found != options.code_root.resolve():
        raise EngineSetupError(
            f"The engine's Python loads Mimesh from {found}, not from {options.code_root}.",
            "Remove the other copy, or choose another Python.",
        )
    if problems := problems_with(installed_versions()):
        raise EngineSetupError(
            f"The engine's Python {sys.executable} does not fit: {'; '.join(problems)}.",
            "Run the engine setup, or choose a Python that has these packages.",
        )
    jobs = importlib.import_module(".jobs", __package__)
    cache = importlib.import_module(".cache", __package__)
    runner: Runner = jobs.JobRunner(cache.ArtifactCache(options.job_root / "cache", options.cache_bytes))
    return runner


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="core.engine.worker", description="Mimesh's engine process.")
    parser.add_argument("--code-root", type=Path, required=True, help="folder that holds the core package")
    parser.add_argument("--job-root", type=Path, required=True, help="folder for results and the cache")
    parser.add_argument("--unload-seconds", type=float, default=IdleLimits().unload_seconds)
    parser.add_argument("--exit-seconds", type=float, default=IdleLimits().exit_seconds)
    parser.add_argument("--cache-bytes", type=int, default=512 * 1024 * 1024)
    return parser


if __name__ == "__main__":
    sys.exit(main())
