# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's numbers as tables, and the shares that its issue asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from research.evaluation.mimic.disentangle import Disentanglement, Swap
from research.evaluation.mimic.methods import MEAN, OTHER, OWN, MimicResult
from research.evaluation.tables import Table, number


@dataclass(frozen=True, slots=True)
class OwnWins:
    """Share of people for whom the own code is better than another's and than the mean."""

    people: int
    lip_error_other: float
    lip_error_mean: float
    distance_other: float
    distance_mean: float
    all_four: float

    @classmethod
    def of(cls, results: Sequence[MimicResult], own: str = OWN) -> OwnWins:
        """From rows that hold the three Mimic codes; ``own``: which row is held against them."""
        by_name = {result.name: result.people for result in results}

        def wins(against: str, lips: bool) -> np.ndarray:
            pairs = zip(by_name[own], by_name[against], strict=True)
            if lips:
                return np.array([first.mean("lip_error_mm") < other.mean("lip_error_mm") for first, other in pairs])
            return np.array([first.own_distance < other.own_distance for first, other in pairs])

        shares = {(name, lips): wins(name, lips) for lips in (True, False) for name in (OTHER, MEAN)}
        return cls(
            people=len(by_name[own]),
            lip_error_other=float(shares[OTHER, True].mean()),
            lip_error_mean=float(shares[MEAN, True].mean()),
            distance_other=float(shares[OTHER, False].mean()),
            distance_mean=float(shares[MEAN, False].mean()),
            all_four=float(np.all(list(shares.values()), axis=0).mean()),
        )


def main_table(results: Sequence[MimicResult], truth: float) -> Table:
    """Means over people."""
    rows = []
    for result in results:
        errors = np.array([row.mean("lip_error_mm") for row in result.people])
        still = np.array([row.mean("constant_error_mm") for row in result.people])
        dynamics = [abs(score.dynamics) for row in result.people for score in row.stretches]
        rows.append(
            (
                result.name,
                number(float(errors.mean())),
                number(float((errors / still).mean())),
                number(float(np.mean([row.mean("correlation") for row in result.people]))),
                number(float(np.mean(dynamics))),
                number(float(np.mean([row.own_distance for row in result.people]))),
                number(100 * float(np.mean([row.own_closer for row in result.people])), 0),
                number(float(np.mean([row.first_seconds for row in result.people])), 2),
            )
        )
    columns = ("method", "lip error mm", "/ constant", "correlation", "FDD mm²", "style distance", "own closer %")
    note = (
        f"Held-out people ({len(results[0].people)}), means over people. FDD: absolute upper-face deviation. Style "
        "distance: to the person's own reference, in deviations of these people. own closer: share of pairs in which "
        f"the motion is nearer to its own person than to another; the true motion's is {100 * truth:.0f} %. First "
        "result: seconds from a tracked reference and 10 s of speech to motion, models loaded."
    )
    return Table("Mimic and AdaMesh on people whom neither has seen", (*columns, "first result s"), tuple(rows), note)


def person_table(results: Sequence[MimicResult]) -> Table:
    """Lip error and style distance of every person under every method."""
    names = tuple(row.person for row in results[0].people)
    rows = [
        (result.name, *(f"{row.mean('lip_error_mm'):.2f} / {row.own_distance:.2f}" for row in result.people))
        for result in results
    ]
    return Table("Per person: lip error mm / style distance", ("method", *names), tuple(rows))


def wins_table(named: Sequence[tuple[str, OwnWins]]) -> Table:
    """The issue's promise: at least 75 % of people in every column."""
    rows = [
        (
            f"{name} ({wins.people})",
            *(number(100 * value, 0) for value in (wins.lip_error_other, wins.lip_error_mean)),
            *(number(100 * value, 0) for value in (wins.distance_other, wins.distance_mean, wins.all_four)),
        )
        for name, wins in named
    ]
    columns = ("people", "lips, another's %", "lips, mean %", "style, another's %", "style, mean %", "all four %")
    return Table("People for whom Mimic with their own code is better than with", columns, tuple(rows))


def disentanglement_tables(found: Disentanglement) -> tuple[Table, Table]:
    """Probes and codes; swapped styles."""
    probes = [
        (f"person read from {item.space}", f"{100 * item.accuracy:.0f} %", f"{100 * item.chance:.0f} %")
        for item in found.probes
    ]
    codes = found.agreement
    rows = (
        *probes,
        ("cosine of codes, one person's stretches", number(codes.within), "–"),
        ("cosine of codes, two people's", number(codes.across), "–"),
        ("own stretch nearer than another's", f"{100 * codes.own_closer:.0f} %", "50 %"),
    )
    first = found.probes[0]
    note = f"Linear probes on {first.stretches} stretches of {first.people} people, five folds, balanced."
    return Table("Style and content apart", ("", "measured", "chance"), rows, note), swap_table(found.swap)


def swap_table(swap: Swap) -> Table:
    """Where amplitudes go with another's style."""
    moved = swap.movement
    rows = [
        (region, f"{100 * share:.0f} %", f"{100 * moved.follows[region]:.0f} %")
        for region, share in moved.towards.items()
    ]
    return Table(
        "Swapped style: amplitudes that go towards the new person's",
        ("region", "towards", "of the difference made"),
        (*rows, ("all", f"{100 * moved.overall:.0f} %", "–")),
        f"{swap.pairs} pairs; where the two people differ by a tenth or more. In {100 * moved.nearer:.0f} % of all "
        "the amplitude ends nearer to the new person's (half, if motion is too small for all). Closures that stay "
        f"within one frame: {100 * swap.closures_kept:.0f} % of either's.",
    )
