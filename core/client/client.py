# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to the engine process for Blender, the command line and the tests. numpy and standard library only.

Threads: all methods belong to one thread (Blender's main thread). The transport's reader only fills a
queue, which :meth:`Job.poll` empties without waiting.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import CancelledError, EngineError, EngineSetupError, MimeshError
from ..exchange.media_range import MediaRange
from ..exchange.protocol import (
    PROTOCOL_VERSION,
    BankJob,
    Cancel,
    Failure,
    Garbled,
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
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import (
    BankResult,
    HeadResult,
    MotionResult,
    read_bank_result,
    read_head_result,
    read_landmarks_result,
    read_motion_result,
    read_reference_result,
    write_picture,
)
from .transport import EngineCommand, ProcessTransport, StopDeadlines, Transport

if TYPE_CHECKING:
    from ..tracking.reference import TrackedReference

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_GARBLED_LIMIT = 20
_POLL_SECONDS = 0.03
_LEFTOVER_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the first word, for any word during a job, and for an answer to a cancel."""

    start_seconds: float = 120.0
    silence_seconds: float = 180.0
    cancel_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job stands; ``fraction`` is of the whole job."""

    stage: str
    fraction: float
    seconds_left: float | None
    done: bool


class Job(Generic[_T]):
    """One request on its way. Keep polling until ``done``, also after :meth:`cancel`."""

    def __init__(self, client: EngineClient, folder: Path, read: Callable[[Path, JsonObject], _T]) -> None:
        self.id = folder.name
        self.folder = folder
        self._client = client
        self._read = read
        self._status = JobStatus("start", 0.0, None, done=False)
        self._error: MimeshError | None = None
        self._value: _T | None = None
        self.cancelled = False
        self._answered = threading.Event()

    def poll(self) -> JobStatus:
        """Take in what the engine said; never waits."""
        self._client.pump()
        return self._status

    def result(self) -> _T:
        """The finished job's value. Raises the engine's error, or EngineError when it is not done yet."""
        if not self._status.done:
            raise EngineError("The job is not done yet.", "Poll it until it is.")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def wait(self, watch: Callable[[JobStatus], None] = lambda status: None) -> _T:
        """Block until done, for callers without an event loop; ``watch`` sees every status."""
        while not (status := self.poll()).done:
            watch(status)
            time.sleep(_POLL_SECONDS)
        watch(self._status)
        return self.result()

    def cancel(self) -> None:
        """Ask the engine to stop; if it does not answer in time, its process is stopped."""
        if not self._status.done:
            self._client.cancel(self)

    @property
    def answered(self) -> threading.Event:
        """Set once the job is done, whatever its end."""
        return self._answered

    def take_progress(self, message: JobProgress) -> None:
        """Note how far the engine is; never backwards."""
        fraction = min(max(message.fraction, self._status.fraction), 1.0)
        self._status = JobStatus(message.stage, fraction, message.seconds_left, done=False)

    def take_result(self, values: JsonObject) -> None:
        """Read the arrays from the job's folder and finish."""
        try:
            self._value = self._read(self.folder, values)
        except (OSError, ValueError, KeyError, TypeError) as error:
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

    @property
    def stage(self) -> str:
        """The stage that the engine last named."""
        return self._status.stage

    def _finish(self, status: JobStatus) -> None:
        self._status = status
        self._answered.set()
        shutil.rmtree(self.folder, ignore_errors=True)


class EngineClient:
    """Starts the engine when it is first needed, keeps it warm, and starts it again after a death."""

    def __init__(
        self,
        python: Path,
        code_root: Path,
        job_root: Path,
        patience: Patience = Patience(),
        start: Callable[[], Transport] | None = None,
    ) -> None:
        # not resolved: a venv's python is a link, and following it would leave the venv
        self.python = Path(python).expanduser().absolute()
        self.job_root = Path(job_root).expanduser().absolute()
        self.log = self.job_root / "engine.log"
        self._patience = patience
        self._start = start or (lambda: ProcessTransport(self._command(Path(code_root).absolute())))
        self._transport: Transport | None = None
        self._ready: Ready | None = None
        self._warm = False
        self._heard = 0.0
        self._garbled = 0
        self._jobs: dict[str, Job] = {}

    def submit(self, request: MotionRequest) -> Job[MotionResult]:
        """Generate a motion. Raises EngineSetupError at once when the engine cannot be started."""
        job = Job(self, self._new_folder(), read_motion_result)
        return self._send(job, GenerateJob(job.id, str(job.folder), request.to_json()))

    def regenerate_head(self, request: MotionRequest) -> Job[HeadResult]:
        """Make the head motion of a request alone."""
        job = Job(self, self._new_folder(), read_head_result)
        return self._send(job, HeadJob(job.id, str(job.folder), request.to_json()))

    def add_to_bank(self, request: BankRequest) -> Job[BankResult]:
        """Add a clip's or a style's head motion to a bank file."""
        job = Job(self, self._new_folder(), read_bank_result)
        return self._send(job, BankJob(job.id, str(job.folder), request.to_json()))

    def track(self, source: MediaRange) -> Job[TrackedReference]:
        """Track a reference clip."""
        job = Job(self, self._new_folder(), read_reference_result)
        return self._send(job, TrackJob(job.id, str(job.folder), source.to_json()))

    def track_picture(self, rgb: NDArray[np.uint8]) -> Job[NDArray[np.float32] | None]:
        """Find the 478 landmarks (pixels) of the face in a picture (height, width, 3), top row first."""
        job = Job(self, self._new_folder(), read_landmarks_result)
        write_picture(job.folder, rgb)
        return self._send(job, PictureJob(job.id, str(job.folder)))

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

    def pump(self) -> None:
        """Take in everything that has arrived, then notice a death or a silence; never waits."""
        if self._transport is None:
            return
        for line in self._transport.receive():
            self._take(decode(line))
        if self._transport is not None and self._transport.ended():
            self._lost(self._death(self._transport))
        elif self._transport is not None and self._jobs:
            self._check_silence()

    def cancel(self, job: Job) -> None:
        """Cancel one job; the engine is stopped if it does not answer within the patience."""
        transport = self._transport
        if transport is None or not transport.send(Cancel(job.id).to_json()):
            self._jobs.pop(job.id, None)
            job.fail(CancelledError("Cancelled."))
            return

        def watch() -> None:
            if not job.answered.wait(self._patience.cancel_seconds):
                transport.stop()

        threading.Thread(target=watch, name="mimesh-cancel", daemon=True).start()
        job.cancelled = True

    def close(self) -> None:
        """Stop the engine; jobs that are under way end as cancelled."""
        self._lost(CancelledError("The engine was closed."))

    def _command(self, code_root: Path) -> EngineCommand:
        arguments = (
            str(self.python),
            "-u",
            "-m",
            "core.engine.worker",
            "--code-root",
            str(code_root),
            "--job-root",
            str(self.job_root),
        )
        return EngineCommand(arguments, code_root, self.job_root, self.log, StopDeadlines())

    def _new_folder(self) -> Path:
        folder = self.job_root / "jobs" / uuid.uuid4().hex[:12]
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise EngineSetupError(
                f"The job folder {folder} cannot be made ({error.strerror}).", "Choose a writable folder."
            ) from error
        return folder

    def _ensure_running(self) -> Transport:
        self.pump()
        if self._transport is None:
            _remove_leftovers(self.job_root / "jobs")
            self._ready, self._warm, self._garbled = None, False, 0
            self._transport = self._start()
            self._heard = time.monotonic()
        return self._transport

    def _send(self, job: Job[_T], message: Message) -> Job[_T]:
        try:
            transport = self._ensure_running()
        except MimeshError:
            shutil.rmtree(job.folder, ignore_errors=True)
            raise
        if not self._jobs:
            self._heard = time.monotonic()
        self._jobs[job.id] = job
        # a pipe that broke just now is noticed as a death by the next poll
        transport.send(message.to_json())
        return job

    def _take(self, message: Message | Garbled) -> None:
        if isinstance(message, Garbled):
            self._take_garbled(message)
            return
        self._heard = time.monotonic()
        if isinstance(message, Ready):
            self._take_ready(message)
        elif isinstance(message, Warm):
            self._warm = True
        elif isinstance(message, JobProgress) and message.job in self._jobs:
            self._jobs[message.job].take_progress(message)
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
        silent = time.monotonic() - self._heard
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
        jobs, self._jobs = self._jobs, {}
        if transport is not None:
            transport.stop()
        for job in jobs.values():
            job.fail(CancelledError("Cancelled.") if job.cancelled else error)


def _remove_leftovers(folder: Path) -> None:
    # a caller that crashed could not remove its jobs; another one may be using younger ones now
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFTOVER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
