# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's loop in this process, with pipes for streams and a scripted runner."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from core.engine.stdio import Outbox
from core.engine.worker import IdleLimits, Inbox, Worker
from core.errors import EngineError, SettingsError
from core.exchange.protocol import Cancel, Failure, JobDone, JobProgress, JsonObject, Message, PictureJob, Warm, decode

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class ScriptedRunner:
    """Runs ``body(progress)`` for every job."""

    body: Callable[[Callable[[str, float], None]], JsonObject] = lambda progress: {}
    steps: tuple[Callable[[], None], ...] = ()
    released: int = 0
    done: list[str] = field(default_factory=list)

    def run(
        self, message: Message, progress: Callable[[str, float], None], on_first: Callable[[JsonObject], None]
    ) -> JsonObject:
        assert isinstance(message, PictureJob)
        result = self.body(progress)
        self.done.append(message.job)
        return result

    def warm_steps(self) -> tuple[Callable[[], None], ...]:
        return self.steps

    def release(self) -> None:
        self.released += 1


class RunningWorker:
    """A worker in a thread; ``say`` talks to it, ``heard`` is what it said until it ended."""

    def __init__(self, runner: ScriptedRunner, limits: IdleLimits | None = None) -> None:
        incoming, self._to_worker = os.pipe()
        from_worker, outgoing = os.pipe()
        self._answers: BinaryIO = os.fdopen(from_worker, "rb")
        self._outgoing = os.fdopen(outgoing, "wb", buffering=0)
        self._worker = Worker(Inbox(os.fdopen(incoming, "rb")), Outbox(self._outgoing), runner, limits or IdleLimits())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._open = True

    def _run(self) -> None:
        self._worker.run()
        self._outgoing.close()

    def start(self) -> RunningWorker:
        self._thread.start()
        return self

    def say(self, *messages: Message) -> RunningWorker:
        for message in messages:
            os.write(self._to_worker, message.to_json().encode() + b"\n")
        return self

    def hang_up(self) -> RunningWorker:
        if self._open:
            os.close(self._to_worker)
        self._open = False
        return self

    def next_answer(self) -> Message:
        """The next words about a job; Warm may come before or after them."""
        message = decode(self._answers.readline().decode())
        assert isinstance(message, Message), message
        return self.next_answer() if isinstance(message, Warm) else message

    def heard(self) -> list[Message]:
        self._thread.join(5)
        assert not self._thread.is_alive()
        return [decode(line.decode()) for line in self._answers]  # type: ignore[misc]


def job(name: str) -> PictureJob:
    return PictureJob(name, "/tmp")


def test_jobs_run_in_order_and_the_end_of_input_ends_the_worker() -> None:
    worker = RunningWorker(ScriptedRunner(lambda progress: {"x": 1})).say(job("a"), job("b")).start()
    answers = [worker.next_answer(), worker.next_answer()]
    assert answers == [JobDone("a", {"x": 1}), JobDone("b", {"x": 1})]
    assert not [answer for answer in worker.hang_up().heard() if not isinstance(answer, Warm)]


def test_waiting_job_that_was_cancelled_never_runs() -> None:
    runner = ScriptedRunner(lambda progress: time.sleep(0.2) or {})
    worker = RunningWorker(runner).say(job("a"), job("b"), Cancel("b")).start()
    assert worker.next_answer() == JobDone("a", {})
    refused = worker.next_answer()
    assert isinstance(refused, Failure) and refused.error == "cancelled"
    worker.hang_up().heard()
    assert runner.done == ["a"]


def test_running_job_stops_when_the_caller_is_gone() -> None:
    def endless(progress: Callable[[str, float], None]) -> JsonObject:
        while True:
            progress("track", 0.5)
            time.sleep(0.01)

    runner = ScriptedRunner(endless)
    worker = RunningWorker(runner).say(job("a")).start()
    assert isinstance(worker.next_answer(), JobProgress)
    worker.hang_up().heard()
    assert runner.done == []


def test_error_of_the_family_crosses_as_it_is_and_a_bug_as_a_sentence() -> None:
    failures = iter([SettingsError("Wrong.", "Choose."), ZeroDivisionError("division by zero"), MemoryError()])

    def fail(progress: Callable[[str, float], None]) -> JsonObject:
        raise next(failures)

    worker = RunningWorker(ScriptedRunner(fail)).say(job("a"), job("b"), job("c")).start()
    first, second, third = (worker.next_answer() for _ in range(3))
    assert first == Failure("a", "settings", "Wrong.", "Choose.")
    assert isinstance(second, Failure) and isinstance(second.to_error(), EngineError)
    assert "ZeroDivisionError: division by zero" in second.message and "Traceback" not in second.message
    assert isinstance(third, Failure) and "out of memory" in third.message
    worker.hang_up().heard()


def test_lost_card_ends_the_worker_so_that_the_next_click_gets_a_fresh_one() -> None:
    def fail(progress: Callable[[str, float], None]) -> JsonObject:
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA")

    runner = ScriptedRunner(fail)
    worker = RunningWorker(runner).say(job("a"), job("b")).start()
    told = worker.heard()
    (answer,) = (message for message in told if isinstance(message, Failure))
    assert "unspecified launch failure" in answer.message and "TORCH_USE" not in answer.message
    assert "Try again" in answer.hint and "Processor" in answer.hint
    # the caller sends what the worker never began to a new one
    assert not [message for message in told if isinstance(message, JobDone)]


def test_full_card_is_told_in_words_and_the_engine_stays() -> None:
    class OutOfMemoryError(RuntimeError):
        """As torch calls it."""

    failures: list[Exception] = [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
    ]

    def fail(progress: Callable[[str, float], None]) -> JsonObject:
        if failures:
            raise failures.pop()
        return {}

    worker = RunningWorker(ScriptedRunner(fail)).say(job("a"), job("b"), job("c")).start()
    for _ in range(2):
        answer = worker.next_answer()
        assert isinstance(answer, Failure) and "graphics card has no memory left" in answer.message
    assert worker.next_answer() == JobDone("c", {})
    worker.hang_up().heard()


def test_seconds_left_are_told_once_known() -> None:
    def slow(progress: Callable[[str, float], None]) -> JsonObject:
        for step in range(11):
            progress("track", step / 10)
            time.sleep(0.06)
        return {}

    worker = RunningWorker(ScriptedRunner(slow)).say(job("a")).start()
    told = []
    while isinstance(message := worker.next_answer(), JobProgress):
        told.append(message.seconds_left)
    worker.hang_up().heard()
    assert told[0] is None
    later = [left for left in told if left is not None]
    assert later and later[-1] < later[0] < 2.0


def test_progress_is_thinned_out() -> None:
    def chatty(progress: Callable[[str, float], None]) -> JsonObject:
        for step in range(10_000):
            progress("track", step / 10_000)
        return {}

    worker = RunningWorker(ScriptedRunner(chatty)).say(job("a")).start()
    count = 0
    while isinstance(worker.next_answer(), JobProgress):
        count += 1
    worker.hang_up().heard()
    assert 1 <= count < 50


def test_warm_up_runs_all_steps_and_survives_a_broken_one() -> None:
    ran: list[str] = []

    def broken() -> None:
        ran.append("broken")
        raise RuntimeError("no model yet")

    worker = RunningWorker(ScriptedRunner(steps=(broken, lambda: ran.append("second")))).start()
    time.sleep(0.2)
    assert [type(answer) for answer in worker.hang_up().heard()] == [Warm]
    assert ran == ["broken", "second"]


def test_warm_up_gives_way_to_a_waiting_job() -> None:
    ran: list[str] = []
    steps = (lambda: time.sleep(0.4), lambda: ran.append("second"))
    worker = RunningWorker(ScriptedRunner(steps=steps)).say(job("a")).start()
    assert worker.next_answer() == JobDone("a", {})
    assert ran == []
    worker.hang_up().heard()


def test_idle_worker_unloads_its_models_once_and_then_ends() -> None:
    runner = ScriptedRunner()
    answers = RunningWorker(runner, IdleLimits(unload_seconds=0.5, exit_seconds=2.5)).start().heard()
    assert runner.released == 1
    assert [type(answer) for answer in answers] == [Warm]


@pytest.mark.parametrize("python", [sys.executable])
def test_worker_refuses_to_run_other_code_than_asked(python: str, tmp_path: Path) -> None:
    command = [python, "-m", "core.engine.worker", "--code-root", str(tmp_path), "--job-root", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True)
    answer = decode(done.stdout)
    assert isinstance(answer, Failure) and answer.error == "environment"
    assert str(ROOT) in answer.message
    assert done.returncode == 1
