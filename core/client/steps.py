# SPDX-License-Identifier: GPL-3.0-or-later
"""``StepStatus``: what a running piece of work says between two steps. Standard library only."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StepStatus:
    """stage: plain words for the user. fraction: 0..1 of the whole. seconds_left: None while unknown."""

    stage: str
    fraction: float
    seconds_left: float | None = None


def part_of(
    steps: Generator[StepStatus, None, T], name: str, number: int, count: int
) -> Generator[StepStatus, None, T]:
    """Steps that are the one with this number of ``count`` after each other; they are closed if left early."""
    try:
        while True:
            status = next(steps)
            yield StepStatus(f"{name}: {status.stage}", (number + status.fraction) / count)
    except StopIteration as finished:
        result: T = finished.value
        return result
    finally:
        steps.close()
