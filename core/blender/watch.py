# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's job as steps of a run: what it says of its progress, and its result or error. Never waits."""

from __future__ import annotations

import time
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
# a first version is on the face
PLAYABLE = "Playable now"
# steps that take less together are one: a window looks at a run twenty times a second
_STEP_SECONDS = 0.1


def watch_job(job: EngineJob[T], show: Callable[[T], Steps[None]] | None = None) -> Steps[T]:
    """Pass the engine's progress on until it is done; then its result or its error. Never waits.

    show: the steps that show a first version of the result.
    """
    shown = False
    while not (status := job.poll()).done:
        if show is not None and (made := job.first()) is not None:
            yield from _quick(show(made), status.fraction * ENGINE_SHARE)
            shown = True
        words = stage_label(status.stage)
        if shown:
            words = f"{PLAYABLE}; {words[0].lower()}{words[1:]}"
        if status.silent_for:
            words = f"{words}: {status.silent_for}"
        if status.quiet_seconds >= _QUIET_SECONDS:
            words = f"{words} (this step for {status.quiet_seconds:.0f} s)"
        yield StepStatus(words, status.fraction * ENGINE_SHARE, status.seconds_left)
    return job.result()


def _quick(steps: Steps[None], fraction: float) -> Steps[None]:
    """The steps that show a first version, with no more waiting between them than Blender needs to stay usable."""
    looked = time.perf_counter()
    for step in steps:
        if time.perf_counter() - looked > _STEP_SECONDS:
            yield StepStatus(f"First version: {step.stage}", fraction)
            looked = time.perf_counter()


def watch_one_of(job: EngineJob[T], name: str, number: int, count: int) -> Steps[T]:
    """:func:`watch_job` for the job with this number of ``count`` after each other; it is cancelled if left early."""
    try:
        return (yield from part_of(watch_job(job), name, number, count))
    finally:
        job.cancel()
