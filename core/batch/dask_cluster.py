# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as tasks of a Dask cluster: each worker keeps its own networks; a worker that dies costs its present rows only.

Dask is an optional package of the Python that runs this. Files move by paths that every machine sees alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EngineError, EngineSetupError
from .row import Row
from .run import Made, MadeStream, RowRunner

# a row that has taken so many workers with it is given up
DEATHS_ALLOWED = 3
# runs in a worker: kind of outputs to the runner that the worker keeps
MakeRunner = Callable[[], RowRunner]
_kept: dict[MakeRunner, RowRunner] = {}


def open_client(address: str | None, workers: int) -> Any:
    """A client of the scheduler at ``address`` (``tcp://…``), or of a cluster of processes on this machine.

    Raises :class:`EngineSetupError` without Dask, and where nobody answers.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise EngineSetupError(
            "This Python has no Dask, which --scheduler and --workers need.",
            "Install the package dask[distributed] in it, or take the shares of a batch with --part.",
        ) from error
    dask.config.set({"distributed.scheduler.allowed-failures": DEATHS_ALLOWED - 1})
    # its functions have no types
    dask_api: Any = distributed
    try:
        if address is not None:
            return dask_api.Client(address, timeout="10s", set_as_default=False)
        cluster = dask_api.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
    except (OSError, ValueError, TimeoutError) as error:
        raise EngineSetupError(
            f"No Dask scheduler answers at {address or 'this machine'} ({error}).", "Start one with dask scheduler."
        ) from error
    return dask_api.Client(cluster, set_as_default=False)


@dataclass(slots=True)
class DaskRunner:
    """Hands pieces of rows to the cluster and takes them back as they are ready.

    make: makes the runner that a worker keeps; it must be importable there. together: rows of one task.
    """

    client: Any
    make: MakeRunner
    kinds: tuple[str, ...]
    together: int = 16
    at_once: int = 4096

    def run(self, rows: Sequence[Row], partials: Sequence[Path]) -> MadeStream:
        """Rows of a task that fails as a whole fail with its reason: the engine's kind, so that they are retried."""
        import distributed

        dask_api: Any = distributed
        waiting: dict[Any, Sequence[Row]] = {}
        for first in range(0, len(rows), self.together):
            piece = rows[first : first + self.together]
            task = self.client.submit(
                make_rows, self.make, piece, partials[first : first + self.together], pure=False, retries=0
            )
            waiting[task] = piece
        try:
            for task in dask_api.as_completed(list(waiting), loop=self.client.loop):
                piece = waiting.pop(task)
                if task.status == "finished":
                    yield from task.result()
                else:
                    yield from (Made(row, _failure(task)) for row in piece)
        finally:
            self.client.cancel(list(waiting))


def make_rows(make: MakeRunner, rows: Sequence[Row], partials: Sequence[Path]) -> list[Made]:
    """Runs in a worker: write each row beside its place; the name is given by whoever keeps the journal."""
    if make not in _kept:
        _kept[make] = make()
    return list(_kept[make].run(rows, partials))


def _failure(task: Any) -> EngineError:
    reason = " ".join(str(task.exception()).split()) if task.status == "error" else f"the task is {task.status}"
    return EngineError(f"A worker of the cluster could not make it ({reason:.200}).", "See the worker's log.")
