# SPDX-License-Identifier: GPL-3.0-or-later
"""What the style benchmark's numbers say: means over people with intervals over clips, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from research.evaluation.regions import REGIONS, RegionRatios
from research.evaluation.report import SEED
from research.evaluation.tables import Table, number

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class StretchScore:
    """One clip, or three seconds of a long one. Errors in mm; dynamics: upper-face deviation in mm², signed."""

    lip_error_mm: float
    constant_error_mm: float
    correlation: float
    dynamics: float
    ratios: RegionRatios


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One method on one person; own_closer: share of (stretch, other person) pairs in which the person is nearer."""

    person: str
    stretches: tuple[StretchScore, ...]
    own_closer: float
    fit_seconds: float
    values: int
    scale: float
    steps: int

    def mean(self, name: str) -> float:
        """Of a score over the stretches."""
        return float(np.mean([getattr(stretch, name) for stretch in self.stretches]))

    def errors(self) -> NDArray[np.float64]:
        """(stretches,) lip errors in mm."""
        return np.array([stretch.lip_error_mm for stretch in self.stretches])


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One row of the table per person."""

    name: str
    people: tuple[PersonRow, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over people, and where 95 % of its resamples over stretches lie."""

    value: float
    low: float
    high: float

    def text(self, percent: bool = False) -> str:
        """A cell."""
        if percent:
            return f"{100 * self.value:+.1f} % [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def reduction(result: MethodResult, against: MethodResult) -> Interval:
    """Share by which the lip error is lower than the other method's, mean over people; resampled over stretches."""
    pairs = [(other.errors(), own.errors()) for own, other in zip(result.people, against.people, strict=True)]
    rng = np.random.default_rng(SEED)

    def share(choose: Callable[[int], NDArray[np.intp]]) -> float:
        chosen = [(before[index], after[index]) for before, after in pairs for index in [choose(len(before))]]
        return float(np.mean([1 - after.mean() / before.mean() for before, after in chosen]))

    return _interval(share, rng)


def mean_correlation(result: MethodResult) -> Interval:
    """Correlation of opening, mean over people."""
    values = [np.array([stretch.correlation for stretch in row.stretches]) for row in result.people]
    rng = np.random.default_rng(SEED)
    return _interval(lambda choose: float(np.mean([v[choose(len(v))].mean() for v in values])), rng)


def _interval(measure: Callable[[Callable[[int], NDArray[np.intp]]], float], rng: np.random.Generator) -> Interval:
    values = [measure(lambda count: rng.integers(0, count, count)) for _ in range(RESAMPLES)]
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(measure(lambda count: np.arange(count)), float(low), float(high))


def own_closer_of_all(result: MethodResult, others: Mapping[str, int]) -> float:
    """``own_closer`` of all people's pairs together, in which whoever has more stretches counts more.

    others: to how many other people's references each person's stretches were held.
    """
    pairs = [len(row.stretches) * others[row.person] for row in result.people]
    nearer = sum(row.own_closer * count for row, count in zip(result.people, pairs, strict=True) if count)
    return nearer / sum(pairs) if sum(pairs) else float("nan")


def summary_table(
    results: Sequence[MethodResult], truth: float, others: Mapping[str, int], plain: str, gain: str
) -> Table:
    """All methods, means over people; ``plain`` and ``gain`` are the two that everything is compared with.

    truth: ``own_closer`` of the true motion. others: as in :func:`own_closer_of_all`.
    """
    by_name = {result.name: result for result in results}
    rows = [_summary_row(result, others, by_name[plain], by_name[gain]) for result in results]
    columns = (
        *("method", "error mm", "/ constant", "less than unadapted [95 %]", "worst person %"),
        *("less than gain+offset %", "corr [95 %]", "FDD mm²", "own closer %", "own closer, all pairs %"),
        *("fit s", "values"),
    )
    pairs = sum(len(row.stretches) * others[row.person] for row in results[0].people)
    note = (
        f"Means over people; intervals over clips or 3 s stretches. own closer: share of pairs in which the motion is "
        f"nearer to its own person's reference than to another's; the true motion's is {100 * truth:.0f} %. "
        f"All pairs: the same of the {pairs} pairs together."
    )
    return Table("A style from ten seconds, on the rest of each person", columns, tuple(rows), note)


def _summary_row(
    result: MethodResult, others: Mapping[str, int], unadapted: MethodResult, scaled: MethodResult
) -> tuple[str, ...]:
    errors = [row.mean("lip_error_mm") for row in result.people]
    constant = [row.mean("constant_error_mm") for row in result.people]
    worst = min(person_reduction(result, unadapted, index) for index in range(len(errors)))
    return (
        result.name,
        number(float(np.mean(errors))),
        number(float(np.mean(np.divide(errors, constant)))),
        reduction(result, unadapted).text(percent=True),
        number(100 * worst, 1, sign=True),
        number(100 * reduction(result, scaled).value, 1, sign=True),
        mean_correlation(result).text(),
        number(float(np.mean([abs(s.dynamics) for row in result.people for s in row.stretches]))),
        number(100 * float(np.mean([row.own_closer for row in result.people])), 0),
        number(100 * own_closer_of_all(result, others), 0),
        number(float(np.mean([row.fit_seconds for row in result.people])), 1),
        f"{max(row.values for row in result.people):,}",
    )


def person_table(results: Sequence[MethodResult]) -> Table:
    """Lip error in mm and correlation of every person under every method."""
    people = [row.person for row in results[0].people]
    rows = [
        (
            result.name,
            *(
                f"{row.mean('lip_error_mm'):.2f} / {row.mean('correlation'):.2f} / {row.scale:g}×{row.steps}"
                for row in result.people
            ),
        )
        for result in results
    ]
    constant = tuple(f"{row.mean('constant_error_mm'):.2f}" for row in results[0].people)
    return Table(
        "Per person: lip error mm / correlation of opening / scale × steps that the guard chose",
        ("method", *people),
        (*rows, ("constant face", *constant)),
    )


def region_table(results: Sequence[MethodResult]) -> Table:
    """Spread of the generated motion over that of the true one per region, mean over people of medians."""
    rows = []
    for result in results:
        medians = [
            [float(np.median([getattr(s.ratios, name) for s in row.stretches])) for name in REGIONS]
            for row in result.people
        ]
        far = np.abs(np.log(np.maximum(medians, 1e-3))).mean(axis=0)
        rows.append(
            (result.name, *(f"{m:.2f} (×{np.exp(f):.2f})" for m, f in zip(np.mean(medians, 0), far, strict=True)))
        )
    note = "In brackets how far off a person's ratio typically is, as a factor: 1 is the person's own amplitude."
    return Table("Amplitude per region, generated / true", ("method", *REGIONS), tuple(rows), note)


def person_reduction(result: MethodResult, against: MethodResult, index: int) -> float:
    """Share by which one person's lip error is lower."""
    return 1 - result.people[index].mean("lip_error_mm") / against.people[index].mean("lip_error_mm")
