# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows shared out to processes of this machine, one thread and one set of networks each.

Several processes of one thread use all cores for everything that is done to a line; one process of several threads
does so for the networks' products alone. A process that dies costs its present rows only, and none outlives this one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, cast

from ..errors import EngineError
from .row import Row
from .run import Made, MadeStream, RowRunner

# read by OpenMP, OpenBLAS, MKL and Accelerate when a process first computes
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# memory, and what a further process brings, are bounded
MOST_PROCESSES = 4
# a piece: whole passes of the networks, and little that a dying process takes with it
ROWS_TOGETHER = 32
_END_SECONDS = 5.0
MakeRunner = Callable[[], RowRunner]
Piece = tuple[Sequence[Row], Sequence[Path]]


def processes_for(rows: int, wanted: int | None) -> int:
    """How many processes to use: as asked for, else one for each core while every one has two pieces to make."""
    if wanted is not None:
        return max(wanted, 1)
    return max(min(os.cpu_count() or 1, MOST_PROCESSES, rows // (2 * ROWS_TOGETHER)), 1)


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    waiting: dict[int, Row] = field(default_factory=dict)

    def give(self, piece: Piece) -> bool:
        """False where the process has died."""
        self.waiting = {row.number: row for row in piece[0]}
        try:
            self.connection.send(piece)
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Let it go, and make sure."""
        self.connection.close()
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@dataclass(slots=True)
class ProcessRunner:
    """:class:`RowRunner` that keeps ``count`` processes between calls until :meth:`close`.

    make: makes the runner that a process keeps; it is pickled. likeness: rows of one key go together.
    """

    make: MakeRunner
    kinds: tuple[str, ...]
    count: int
    likeness: Callable[[Row], Any] = lambda row: 0
    at_once: int = 1024
    _workers: list[_Worker] = field(default_factory=list)

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """Rows of a process that dies fail by the engine, so that they are tried again."""
        try:
            yield from self._run(list(self._pieces(rows, partials))[::-1])
        finally:
            # interrupted: nobody may write beside a result when its half-written file is removed
            for worker in self._busy():
                self._workers.remove(worker)
                worker.process.kill()
                worker.end()

    def _run(self, pieces: list[Piece]) -> MadeStream:
        while pieces or self._busy():
            while len(self._workers) < self.count and len(self._workers) < len(pieces) + len(self._busy()):
                self._workers.append(_start(self.make))
            for worker in tuple(self._workers):
                if pieces and not worker.waiting and not worker.give(pieces.pop()):
                    yield from self._lost(worker)
            for worker in self._ready():
                yield from self._received(worker)

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _pieces(self, rows: Sequence[Row], partials: Sequence[Path]) -> Iterator[Piece]:
        order = sorted(range(len(rows)), key=lambda place: (self.likeness(rows[place]), place))
        for first in range(0, len(order), ROWS_TOGETHER):
            places = order[first : first + ROWS_TOGETHER]
            yield [rows[place] for place in places], [partials[place] for place in places]

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.waiting]

    def _ready(self) -> list[_Worker]:
        busy = {worker.connection: worker for worker in self._busy()}
        return [worker for ready in wait(list(busy)) if (worker := busy.get(cast(Connection, ready)))]

    def _received(self, worker: _Worker) -> MadeStream:
        try:
            made = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._lost(worker)
            return
        row = worker.waiting.pop(made.row.number, None)
        if row is not None:
            # the row that we have: a copy of each would stay in memory
            yield dataclasses.replace(made, row=row)

    def _lost(self, worker: _Worker) -> MadeStream:
        self._workers.remove(worker)
        worker.end()
        code = worker.process.exitcode
        error = EngineError(f"A process of the batch ended ({code}) while it made this row.", "Run the batch again.")
        yield from (Made(row, error) for row in worker.waiting.values())


def _start(make: MakeRunner) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, make), daemon=True, name="mimesh-batch")
    with _one_thread():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """The environment of a child that is to compute in one thread."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def work(connection: Connection, make: MakeRunner) -> None:
    """Runs in a process: make pieces as they come, each row told as it is ready, until nobody asks any more."""
    # a terminal's Ctrl+C goes to all; who shares out ends us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runner: RowRunner | None = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            rows, partials = connection.recv()
            runner = runner or make()
            for made in runner.run(rows, partials):
                connection.send(made)


def _end_with_parent() -> None:
    """At once, also in the middle of a row: its half-written file must not appear when the next run has tidied up."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
