# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine process as its caller sees it: started, kept warm, cancelled, replaced. Standard library only.

Threads: one lock protects everything, so that a cancelled job is seen to its end by a thread of its own, whether
or not its caller goes on polling. No method waits for the engine, except :meth:`EngineProcess.close` when asked to.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import CancelledError, EngineError, EngineSetupError, MimeshError
from ..exchange.protocol import (
    PROTOCOL_VERSION,
    Cancel,
    Failure,
    FirstResult,
    Garbled,
    JobDone,
    JobProgress,
    Message,
    Ready,
    Warm,
    decode,
)
from .job import Job
from .leftovers import new_job_folder, new_log, remove_leftovers
from .patience import Patience, Silence
from .transport import EngineCommand, ProcessTransport, StopDeadlines, Transport

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_Method = TypeVar("_Method", bound=Callable[..., Any])
_GARBLED_LIMIT = 20
_WATCH_SECONDS = 0.02


def _locked(method: _Method) -> _Method:
    @functools.wraps(method)
    def inner(self: EngineProcess, *arguments: Any, **named: Any) -> Any:
        with self._lock:
            return method(self, *arguments, **named)

    return inner  # type: ignore[return-value]


class EngineProcess:
    """Starts the engine when it is first needed, keeps it warm, and starts it again after a death."""

    def __init__(
        self,
        python: Path,
        code_root: Path,
        job_root: Path,
        patience: Patience | None = None,
        start: Callable[[], Transport] | None = None,
    ) -> None:
        # not resolved: a venv's python is a link, and following it would leave the venv
        self.python = Path(python).expanduser().absolute()
        self.job_root = Path(job_root).expanduser().absolute()
        self.log = new_log(self.job_root)
        self._patience = patience or Patience()
        self._start = start or (lambda: ProcessTransport(self._command(Path(code_root).absolute())))
        self._lock = threading.RLock()
        self._transport: Transport | None = None
        self._ready: Ready | None = None
        self._warm = False
        self._silence = Silence()
        self._garbled = 0
        self._jobs: dict[str, Job[Any]] = {}

    @_locked
    def warm_up(self) -> None:
        """Start the engine now, so that the first job finds it warm."""
        self._ensure_running()

    @property
    def warm(self) -> bool:
        """The running engine has said that its models are loaded."""
        self.pump()
        return self._warm

    @property
    def ready(self) -> Ready | None:
        """What the running engine said about itself."""
        return self._ready

    @_locked
    def pump(self) -> None:
        """Take in everything that has arrived, then notice a death or a silence; never waits."""
        if self._transport is None:
            return
        for line in self._transport.receive():
            self._take(decode(line))
        if self._transport is not None and self._transport.ended():
            self._take_death(self._transport)
        elif self._transport is not None and self._jobs:
            self._check_silence()

    @_locked
    def cancel(self, job: Job[Any]) -> None:
        """Cancel one job. An engine that does not answer within the patience is replaced by a new one."""
        transport = self._transport
        if transport is None or job.id not in self._jobs or not transport.send(Cancel(job.id).to_json()):
            self._jobs.pop(job.id, None)
            job.fail(CancelledError("Cancelled."))
            return
        job.cancelled = True
        threading.Thread(target=self._see_off, args=(job, transport), name="mimesh-cancel", daemon=True).start()

    def close(self, wait: bool = False) -> None:
        """Stop the engine; jobs that are under way end as cancelled.

        With ``wait`` the process has gone on return, and with it its hold on the work folder.
        """
        with self._lock:
            transport = self._transport
            self._lost(CancelledError("The engine was closed."))
        if wait and transport is not None:
            transport.wait()

    def _see_off(self, job: Job[Any], transport: Transport) -> None:
        """Wait for the end of a cancelled job in its caller's place; runs in a thread."""
        deadline = time.monotonic() + self._patience.cancel_seconds
        while not job.answered.wait(_WATCH_SECONDS):
            self.pump()
            if time.monotonic() > deadline:
                with self._lock:
                    if self._transport is transport and not job.answered.is_set():
                        waiting = [other for other in self._jobs.values() if not other.cancelled]
                        self._replace(CancelledError("Cancelled."), waiting)
                        self._warm_again()
                return

    def _take_death(self, transport: Transport) -> None:
        """Jobs that the engine had begun fail; one that it died under before it looked at it is tried once more."""
        fresh = [job for job in self._jobs.values() if job.untouched] if self._ready is not None else []
        for job in fresh:
            job.tries += 1
        self._replace(self._death(transport), fresh)

    def _replace(self, error: MimeshError, waiting: list[Job[Any]]) -> None:
        """Give the engine up, and send what still waits to a new one."""
        self._jobs = {job.id: job for job in self._jobs.values() if job not in waiting}
        self._lost(error)
        if not waiting:
            return
        try:
            self._ensure_running()
            for job in waiting:
                self._post(job)
        except MimeshError as error:
            for job in waiting:
                job.fail(error)

    def _warm_again(self) -> None:
        # the next click must not pay for the engine that had to go
        with contextlib.suppress(MimeshError):
            self._ensure_running()

    def _command(self, code_root: Path) -> EngineCommand:
        roots = ("--code-root", str(code_root), "--job-root", str(self.job_root))
        arguments = (str(self.python), "-u", "-m", "core.engine.worker", *roots)
        return EngineCommand(arguments, code_root, self.job_root, self.log, StopDeadlines())

    def _new_folder(self) -> Path:
        folder = new_job_folder(self.job_root)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise unwritable(folder, error) from error
        return folder

    def _ensure_running(self) -> Transport:
        self.pump()
        if self._transport is None:
            remove_leftovers(self.job_root)
            self._ready, self._warm, self._garbled = None, False, 0
            self._transport = self._start()
            self._silence.broken()
        return self._transport

    @_locked
    def _send(self, job: Job[_T], message: Message) -> Job[_T]:
        job.message = message
        try:
            self._ensure_running()
            self._post(job)
        except MimeshError:
            job.remove_folder()
            raise
        return job

    def _post(self, job: Job[Any]) -> None:
        assert job.message is not None  # set by _send
        line = job.message.to_json()
        transport = self._ensure_running()
        if not transport.send(line):
            # it died just now, or is dying: a new one takes the job
            self._lost(self._death(transport))
            self._ensure_running().send(line)
        if not self._jobs:
            self._silence.broken()
        self._jobs[job.id] = job

    def _take(self, message: Message | Garbled) -> None:
        if isinstance(message, Garbled):
            self._take_garbled(message)
            return
        self._silence.broken()
        if isinstance(message, Ready):
            self._take_ready(message)
        elif isinstance(message, Warm):
            self._warm = True
        elif isinstance(message, JobProgress) and message.job in self._jobs:
            self._jobs[message.job].take_progress(message)
        elif isinstance(message, FirstResult) and message.job in self._jobs:
            self._jobs[message.job].take_first(message.result)
        elif isinstance(message, JobDone) and message.job in self._jobs:
            self._jobs.pop(message.job).take_result(message.result)
        elif isinstance(message, Failure):
            self._take_failure(message)

    def _take_ready(self, message: Ready) -> None:
        self._ready = message
        if message.protocol != PROTOCOL_VERSION:
            self._lost(
                EngineError(
                    f"The engine speaks protocol {message.protocol}, this Mimesh speaks {PROTOCOL_VERSION}.",
                    "Restart Blender after updating the extension.",
                )
            )

    def _take_failure(self, message: Failure) -> None:
        if not message.job:
            self._lost(message.to_error())
        elif message.job in self._jobs:
            self._jobs.pop(message.job).fail(message.to_error())

    def _take_garbled(self, message: Garbled) -> None:
        _log.warning("the engine said %r (%s)", message.excerpt, message.reason)
        self._garbled += 1
        if self._garbled > _GARBLED_LIMIT:
            self._lost(EngineError(f"The engine answers nonsense ({message.excerpt!r:.60}).", self._log_hint()))

    def _check_silence(self) -> None:
        silent = self._silence.look()
        if self._ready is None and silent > self._patience.start_seconds:
            self._lost(EngineError(f"The engine has not started within {silent:.0f} s.", self._log_hint()))
        elif self._ready is not None and silent > self._patience.silence_seconds:
            stage = next(iter(self._jobs.values())).stage
            self._lost(EngineError(f"The engine hangs: no word for {silent:.0f} s in {stage!r}.", self._log_hint()))

    def _death(self, transport: Transport) -> MimeshError:
        if self._ready is None:
            return EngineSetupError(
                f"The engine cannot start with {self.python} ({transport.describe_end()}).",
                f"Choose another Python or run the engine setup; details are in {self.log}.",
            )
        stage = next((job.stage for job in self._jobs.values()), "")
        where = f" half-way, in {stage!r}," if stage else ""
        return EngineError(f"The engine stopped{where} with {transport.describe_end()}.", self._log_hint())

    def _log_hint(self) -> str:
        return f"Nothing was changed; try again to start it anew. Details are in {self.log}."

    def _lost(self, error: MimeshError) -> None:
        transport, self._transport = self._transport, None
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in jobs:
            job.fail(CancelledError("Cancelled.") if job.cancelled else error)
        if transport is not None:
            # a process that still has a file open keeps its folder on Windows
            transport.stop(lambda: _remove_folders(jobs))


def unwritable(folder: Path, error: OSError) -> EngineSetupError:
    """The refusal of a work folder."""
    return EngineSetupError(
        f"The job folder {folder} cannot be written ({error.strerror or error}).",
        "Choose a writable Cache Folder in the preferences, or make room on its disk.",
    )


def _remove_folders(jobs: list[Job[Any]]) -> None:
    for job in jobs:
        job.remove_folder()
