# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard against learning ten seconds by heart: how long and how strongly to adapt, from held-out errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.motion import INTERNAL_FPS


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """heldout_share of the reference is kept from training; a reference shorter than two_folds_under_seconds is
    trained on twice, with either end held out.

    scales: strengths of the update that are tried, 0 first. caution: a change must beat the smaller one by this many
    standard errors of their difference. patience: checks without improvement after which training stops. enabled:
    False trains on everything, full steps, full strength, for comparison.
    """

    enabled: bool = True
    heldout_share: float = 0.22
    short_heldout_share: float = 0.4
    two_folds_under_seconds: float = 6.0
    scales: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    check_every: int = 20
    caution: float = 0.5
    patience: int = 3

    def __post_init__(self) -> None:
        if self.scales[:1] != (0.0,) or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"scales must rise from 0, got {self.scales}")

    def share(self, frames: int) -> float:
        """Of a reference of this many frames."""
        return self.short_heldout_share if self.both_ends(frames) else self.heldout_share

    def both_ends(self, frames: int) -> bool:
        """Whether to hold out either end in turn."""
        return frames < self.two_folds_under_seconds * INTERNAL_FPS

    def choose_strength(self, strengths: Sequence[float], errors: NDArray[np.float64]) -> float:
        """The strength that errors (strengths, blocks) speak for, the smaller where they hardly differ."""
        return strengths[_smallest_good(errors, self.caution)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """steps and scale of the update (scale 0: none), and the held-out lip error in mm without and with it."""

    steps: int
    scale: float
    base_mm: float
    chosen_mm: float


class HeldoutErrors:
    """Errors per block of one held-out part: of the base, then of every scale at every check."""

    def __init__(self, scales: Sequence[float], base: NDArray[np.float64]) -> None:
        self.scales = tuple(scales)
        self.base = base
        self.checks: dict[int, dict[float, NDArray[np.float64]]] = {}

    def add(self, step: int, scale: float, errors: NDArray[np.float64]) -> None:
        """Of the update after ``step`` steps at ``scale``."""
        self.checks.setdefault(step, {})[scale] = errors

    def hopeless(self, patience: int) -> bool:
        """Whether the last ``patience`` checks were all worse than the best before them."""
        best = [min(float(errors.mean()) for errors in check.values()) for check in self.checks.values()]
        return len(best) > patience and min(best[-patience:]) > min(best[:-patience])

    def table(self, step: int) -> NDArray[np.float64]:
        """(scales, blocks) after ``step`` steps; a fold that stopped earlier keeps its last check."""
        check = self.checks[max((s for s in self.checks if s <= step), default=min(self.checks))]
        return np.stack([self.base, *(check[scale] for scale in self.scales[1:])])


def decide(folds: Sequence[HeldoutErrors], settings: GuardSettings) -> Verdict:
    """The number of steps with the least held-out error at any scale, then the smallest scale that is as good."""
    steps = sorted({step for fold in folds for step in fold.checks})
    base = float(np.concatenate([fold.base for fold in folds]).mean())
    if not steps:
        return Verdict(0, 0.0, base, base)
    tables = {step: np.concatenate([fold.table(step) for fold in folds], axis=1) for step in steps}
    best = min(steps, key=lambda step: (float(tables[step].mean(axis=1).min()), step))
    chosen = _smallest_good(tables[best], settings.caution)
    return Verdict(best, settings.scales[chosen], base, float(tables[best][chosen].mean()))


def _smallest_good(errors: NDArray[np.float64], caution: float) -> int:
    """The first row of (rows, blocks) that the best one does not clearly beat; row 0 is the safe one."""
    best = int(errors.mean(axis=1).argmin())
    for row in range(best):
        difference = errors[row] - errors[best]
        doubt = difference.std() / np.sqrt(len(difference))
        if difference.mean() <= caution * doubt:
            return row
    return best
