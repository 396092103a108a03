# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the stages of a job into one rising fraction and measures how long each stage took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# too early to tell: an estimate from less than this jumps about
_MIN_FRACTION = 0.05
_MIN_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class StagePlan:
    """Stages in order with their expected share of the time (any unit)."""

    expected: dict[str, float]

    def start_of(self, stage: str) -> float:
        """Fraction of the whole at which ``stage`` begins."""
        names = list(self.expected)
        before = sum(self.expected[name] for name in names[: names.index(stage)])
        return before / sum(self.expected.values())

    def share_of(self, stage: str) -> float:
        """Fraction of the whole that ``stage`` takes."""
        return self.expected[stage] / sum(self.expected.values())


@dataclass(slots=True)
class StageMeter:
    """Reports (stage, fraction of the whole job) and keeps the seconds of each stage."""

    report: Callable[[str, float], None]
    plan: StagePlan
    seconds: dict[str, float] = field(default_factory=dict)
    _current: str = ""
    _reached: float = 0.0

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run a stage: reports its start and its end."""
        self._current = name
        started = time.perf_counter()
        self.within_stage(0.0)
        yield
        self.seconds[name] = time.perf_counter() - started
        self.within_stage(1.0)

    def within_stage(self, fraction: float) -> None:
        """Report a fraction 0..1 of the present stage."""
        inside = min(max(fraction, 0.0), 1.0)
        whole = self.plan.start_of(self._current) + self.plan.share_of(self._current) * inside
        # never backwards, not even by a rounding error between two stages
        self._reached = min(max(self._reached, whole), 1.0)
        self.report(self._current, self._reached)


@dataclass(slots=True)
class TimeEstimate:
    """Seconds left from elapsed time and fraction, steadied so that the display does not jump."""

    started: float = field(default_factory=time.monotonic)
    _end: float | None = None

    def seconds_left(self, fraction: float) -> float | None:
        """None until enough is known."""
        now = time.monotonic()
        elapsed = now - self.started
        if fraction < _MIN_FRACTION or elapsed < _MIN_SECONDS:
            return None
        end = self.started + elapsed / fraction
        self._end = end if self._end is None else 0.7 * self._end + 0.3 * end
        return max(self._end - now, 0.0)
