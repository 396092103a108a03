# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard against learning ten seconds by heart: how long and how strongly to adapt, from held-out errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...face.motion import INTERNAL_FPS

# a third of the steps brings three quarters of the gain
_LEARNT_EARLY = 0.25


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """Either end of the reference is held out in turn, to judge what training on the rest brings.

    heldout_share: of the reference; short_heldout_share: of one that is shorter than short_seconds.
    scales: strengths of the update that are tried, 0 first. A few held-out seconds say little, so what they say is
    weighed against what adaptation usually brings: usual_gain (share of the lip error) at usual_scale after all steps,
    less at other scales and before, give or take typical_doubt. min_doubt: of any held-out gain, since a clip's ends
    are not all speech; it never counts as more doubtful than the usual one.
    patience: checks without improvement after which training stops. caution: for the style embedding, standard errors
    by which less must beat more. enabled: False trains on everything, full steps, full strength, for comparison.
    """

    enabled: bool = True
    heldout_share: float = 0.25
    short_heldout_share: float = 0.4
    short_seconds: float = 6.0
    scales: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8)
    check_every: int = 10
    usual_gain: float = 0.1
    usual_scale: float = 0.8
    typical_doubt: float = 0.05
    min_doubt: float = 0.03
    patience: int = 2
    caution: float = 2.0

    def __post_init__(self) -> None:
        if self.scales[:1] != (0.0,) or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"scales must rise from 0, got {self.scales}")

    def share(self, frames: int) -> float:
        """Held out of a reference of this many frames."""
        return self.short_heldout_share if frames < self.short_seconds * INTERNAL_FPS else self.heldout_share

    def expected_gain(self, errors: NDArray[np.float64], trained: float = 1.0) -> NDArray[np.float64]:
        """(scales,) share by which each scale's error will be lower than scale 0's, given (scales, blocks) errors.

        The mean of a normal prior (a parabola over scale, 0 at 0) after the observation, both with their doubt.
        trained: share of the steps; most is learnt in the first ones.
        """
        saved = (errors[0] - errors) / max(float(errors[0].mean()), 1e-9)
        doubt = np.hypot(saved.std(axis=1) / np.sqrt(saved.shape[1]), self.min_doubt).clip(max=self.typical_doubt)
        position = np.array(self.scales) / self.usual_scale
        usual = self.usual_gain * trained**_LEARNT_EARLY * position * (2.0 - position)
        belief, evidence = self.typical_doubt**-2, doubt**-2
        gain: NDArray[np.float64] = (belief * usual + evidence * saved.mean(axis=1)) / (belief + evidence)
        gain[0] = 0.0
        return gain

    def choose_strength(self, strengths: Sequence[float], errors: NDArray[np.float64]) -> float:
        """The strength that errors (strengths, blocks) speak for, the larger where they hardly differ.

        An embedding is read, not fitted: it cannot have been learnt by heart, and says more than lips show.
        """
        return strengths[len(strengths) - 1 - _first_good(errors[::-1], self.caution)]


@dataclass(frozen=True, slots=True)
class SelectionResult:
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


def decide(folds: Sequence[HeldoutErrors], settings: SelectionSettings) -> SelectionResult:
    """The number of steps and the scale with the highest expected gain over all folds; the smaller ones in a tie."""
    steps = sorted({step for fold in folds for step in fold.checks})
    base = float(np.concatenate([fold.base for fold in folds]).mean())
    verdict, best = SelectionResult(0, 0.0, base, base), 0.0
    for step in steps:
        table = np.concatenate([fold.table(step) for fold in folds], axis=1)
        gain = settings.expected_gain(table, step / steps[-1])
        row = int(gain.argmax())
        if gain[row] > best:
            verdict, best = (
                SelectionResult(step, settings.scales[row], base, float(table[row].mean())),
                float(gain[row]),
            )
    return verdict


def _first_good(errors: NDArray[np.float64], caution: float) -> int:
    """The first row of (rows, blocks) that the best one does not clearly beat: the earlier, the safer."""
    best = int(errors.mean(axis=1).argmin())
    for row in range(best):
        difference = errors[row] - errors[best]
        doubt = difference.std() / np.sqrt(len(difference))
        if difference.mean() <= caution * doubt:
            return row
    return best
