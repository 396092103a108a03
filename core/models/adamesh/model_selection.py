# SPDX-License-Identifier: GPL-3.0-or-later
"""Model selection for adaptation: how many steps and which scale of the update, from errors on held-out ends.

Ten seconds are easily overfitted, and what is held out of them is too short to decide alone. So the held-out
gain is combined with a prior on the gain that adaptation brings, as the posterior mean of two normal distributions.
Ours; the papers do not say how they choose.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...face.motion import INTERNAL_FPS

# of the share of steps done: a third of the steps brings three quarters of the gain
_PRIOR_EXPONENT = 0.25


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """How the update's steps and scale, and the style embedding's strength, are selected on held-out motion.

    Either end of the reference is held out in turn, and what training on the rest brings is judged there.
    enabled: False trains on everything, for all steps, at full scale (for comparison).
    heldout_share: share of the reference that is held out; short_heldout_share: of one under short_seconds.
    scales: strengths of the update that are tried, rising from 0.
    check_every: steps between two evaluations.
    prior_gain, prior_scale: the expected gain, a share of the lip error, after all steps at that scale; the prior's
    mean falls as a parabola towards scale 0. prior_deviation: its standard deviation.
    min_standard_error: lower bound of a held-out gain's standard error, since a clip's ends are not all speech.
    patience: early stopping, evaluations without improvement after which training ends.
    margin: standard errors by which a weaker style embedding must beat a stronger one.
    """

    enabled: bool = True
    heldout_share: float = 0.25
    short_heldout_share: float = 0.4
    short_seconds: float = 6.0
    scales: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8)
    check_every: int = 8
    prior_gain: float = 0.1
    prior_scale: float = 0.8
    prior_deviation: float = 0.05
    min_standard_error: float = 0.03
    patience: int = 2
    margin: float = 2.0

    def __post_init__(self) -> None:
        if self.scales[:1] != (0.0,) or list(self.scales) != sorted(set(self.scales)):
            raise ValueError(f"scales must rise from 0, got {self.scales}")

    def share(self, frames: int) -> float:
        """Held out of a reference of this many frames."""
        return self.short_heldout_share if frames < self.short_seconds * INTERNAL_FPS else self.heldout_share

    def expected_gain(self, errors: NDArray[np.float64], trained: float = 1.0) -> NDArray[np.float64]:
        """(scales,) share by which each scale's error will be lower than scale 0's, given (scales, blocks) errors.

        Posterior mean of a normal prior (a parabola over scale, 0 at scale 0) and a normal observation, each
        weighted by its precision. trained: share of the steps done; the prior grows with its fourth root.
        """
        saved = (errors[0] - errors) / max(float(errors[0].mean()), 1e-9)
        error = np.hypot(saved.std(axis=1) / np.sqrt(saved.shape[1]), self.min_standard_error).clip(
            max=self.prior_deviation
        )
        position = np.array(self.scales) / self.prior_scale
        prior = self.prior_gain * trained**_PRIOR_EXPONENT * position * (2.0 - position)
        prior_precision, precision = self.prior_deviation**-2, error**-2
        gain: NDArray[np.float64] = (prior_precision * prior + precision * saved.mean(axis=1)) / (
            prior_precision + precision
        )
        gain[0] = 0.0
        return gain

    def choose_strength(self, strengths: Sequence[float], errors: NDArray[np.float64]) -> float:
        """The strength with the lowest error, from (strengths, blocks); the largest that it does not clearly beat.

        The larger one in doubt: an embedding is read in one pass, so it cannot be overfitted, and it carries more
        of the style than the lips' error measures.
        """
        return strengths[len(strengths) - 1 - _first_good(errors[::-1], self.margin)]


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

    def should_stop(self, patience: int) -> bool:
        """Early stopping: whether the last ``patience`` checks were all worse than the best before them."""
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
    selected, best = SelectionResult(0, 0.0, base, base), 0.0
    for step in steps:
        table = np.concatenate([fold.table(step) for fold in folds], axis=1)
        gain = settings.expected_gain(table, step / steps[-1])
        row = int(gain.argmax())
        if gain[row] > best:
            selected, best = (
                SelectionResult(step, settings.scales[row], base, float(table[row].mean())),
                float(gain[row]),
            )
    return selected


def block_means(values: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Weighted means over blocks of half a second (the last one may be longer)."""
    size = round(INTERNAL_FPS / 2)
    edges = [*range(0, max(len(values) - size, 0) + 1, size), len(values)]
    if len(edges) > 2 and edges[-1] - edges[-2] < size:
        del edges[-2]
    shares = np.maximum(np.asarray(weights, np.float64), 1e-6)
    return np.array([np.average(values[a:b], weights=shares[a:b]) for a, b in itertools.pairwise(edges)])


def _first_good(errors: NDArray[np.float64], margin: float) -> int:
    """The first row of (rows, blocks) that the best one does not clearly beat: the earlier, the safer."""
    best = int(errors.mean(axis=1).argmin())
    for row in range(best):
        difference = errors[row] - errors[best]
        error = difference.std() / np.sqrt(len(difference))
        if difference.mean() <= margin * error:
            return row
    return best
