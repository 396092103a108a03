# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the lips shut when the person's did: precision and recall of closures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.face.rotations import FloatArray
from core.face.series import runs

CLOSED_SHARE = 0.10
TOLERANCE_FRAMES = 2


@dataclass(frozen=True, slots=True)
class ClosureScore:
    """Counts of closures, so that clips can be added up."""

    true_closures: int
    generated_closures: int
    matched: int

    @property
    def precision(self) -> float:
        """Share of the generated closures that belong to a true one; 0 where none were generated."""
        return self.matched / self.generated_closures if self.generated_closures else 0.0

    @property
    def recall(self) -> float:
        """Share of the true closures that were generated; 1 where there were none."""
        return self.matched / self.true_closures if self.true_closures else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def __add__(self, other: ClosureScore) -> ClosureScore:
        return ClosureScore(
            self.true_closures + other.true_closures,
            self.generated_closures + other.generated_closures,
            self.matched + other.matched,
        )


@dataclass(frozen=True, slots=True, order=True)
class Closure:
    """Frames first..last (included) without a break in which the lips are shut."""

    first: int
    last: int


def closed_below(truth_gap: FloatArray) -> float:
    """The gap under which the mouth counts as shut: a tenth of the true clip's opening range above its smallest."""
    low, high = float(np.min(truth_gap)), float(np.max(truth_gap))
    return low + CLOSED_SHARE * (high - low)


def closures(gap: FloatArray, threshold: float) -> list[Closure]:
    """Maximal runs of frames with ``gap`` (T,) under ``threshold``."""
    return [Closure(start, end - 1) for start, end in runs(np.asarray(gap) < threshold)]


def closure_score(truth_gap: FloatArray, generated_gap: FloatArray) -> ClosureScore:
    """Match closures one to one where they overlap or miss each other by at most two frames (80 ms).

    Both gaps (T,) are inner-lip distances in the same unit and are judged by the true clip's threshold: lips that
    never come as close as the person's did not shut. One-to-one, so that a mouth that never opens finds one closure
    and not all. Definition: ours; the need for it is NVIDIA's and SPECTRE's (bilabial closures decide whether
    lip sync is believed).
    """
    frames = min(len(truth_gap), len(generated_gap))
    threshold = closed_below(truth_gap[:frames])
    true, found = closures(truth_gap[:frames], threshold), closures(generated_gap[:frames], threshold)
    return ClosureScore(len(true), len(found), _matches(true, found))


def _matches(true: list[Closure], found: list[Closure]) -> int:
    # both sorted: taking the earliest possible partner is optimal for intervals of one tolerance
    matched, candidate = 0, 0
    for closure in true:
        while candidate < len(found) and found[candidate].last < closure.first - TOLERANCE_FRAMES:
            candidate += 1
        if candidate < len(found) and found[candidate].first <= closure.last + TOLERANCE_FRAMES:
            matched += 1
            candidate += 1
    return matched
