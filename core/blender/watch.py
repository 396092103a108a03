# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's job as steps of a run: what it says of its progress, and its result or error. Never waits."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from ..client.engine_port import EngineJob
from ..client.steps import StepStatus, part_of
from ..exchange.stage_labels import stage_label

T = TypeVar("T")
Steps = Generator[StepStatus, None, T]

# the engine's part of the bar; the rest is solving and writing
ENGINE_SHARE = 0.95
# a step that takes longer than this is counted in seconds, so that work can be told from a standstill
_QUIET_SECONDS = 2.0
_SHOWN = "a first version is on the face: play it"


def watch_job(job: EngineJob[T], show: Callable[[T], Steps[None]] | None = None) -> Steps[T]:
    """Pass the engine's progress on until it is done; then its result or its error. Never waits.

    show: the steps that show a first version of the result.
    """
    shown = False
    while not (status := job.poll()).done:
        if show is not None and (made := job.first()) is not None:
            for step in show(made):
                yield StepStatus(f"First version: {step.stage}", status.fraction * ENGINE_SHARE)
            shown = True
        words = stage_label(status.stage)
        if shown:
            words = f"{words} ({_SHOWN})"
        if status.silent_for:
            words = f"{words}: {status.silent_for}"
        if status.quiet_seconds >= _QUIET_SECONDS:
            words = f"{words} (this step for {status.quiet_seconds:.0f} s)"
        yield StepStatus(words, status.fraction * ENGINE_SHARE, status.seconds_left)
    return job.result()


def watch_one_of(job: EngineJob[T], name: str, number: int, count: int) -> Steps[T]:
    """:func:`watch_job` for the job with this number of ``count`` after each other; it is cancelled if left early."""
    try:
        return (yield from part_of(watch_job(job), name, number, count))
    finally:
        job.cancel()
