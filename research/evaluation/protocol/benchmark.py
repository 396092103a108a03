# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation protocol --recipes A,B``: recipes over the same left-out people and seeds.

Every recipe is trained once for each fold (people left out in turn) and seed; finished trainings are kept in
build/protocol, so an interrupted run resumes. A difference counts where it is more than seeds make.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from research.evaluation.protocol.folds import FOLDS, FREE_PEOPLE, Run, run
from research.evaluation.protocol.recipes import Recipe, find_recipe, recipes
from research.evaluation.protocol.scores import (
    METRICS,
    Difference,
    PersonFigures,
    ProtocolClip,
    by_person,
    difference,
    over_people,
)
from research.evaluation.tables import Table, number
from research.paths import DATA_ROOT

TITLES = {
    "best": "corr ±2",
    "lag0": "lag 0",
    "error_ratio": "/ constant",
    "amplitude": "amplitude",
    "closure_recall": "closures R",
    "closure_precision": "closures P",
}
Scores = dict[int, list[ProtocolClip]]


def measure(
    recipe: Recipe, folds: Sequence[int], seeds: Sequence[int], data: Path, decibel: float | None = None
) -> Scores:
    """Clips of all folds, by seed."""
    return {seed: [clip for fold in folds for clip in run(Run(recipe, fold, seed), data, decibel)] for seed in seeds}


def kinds(people: dict[str, PersonFigures]) -> dict[str, dict[str, PersonFigures]]:
    """Free speech and GRID apart, and within both by person."""
    free = {name: figures for name, figures in people.items() if name in FREE_PEOPLE}
    return {"free speech": free, "GRID": {name: figures for name, figures in people.items() if name not in free}}


def summary_table(results: dict[str, Scores]) -> Table:
    """A row for each recipe and kind of speech: means over people and seeds, with intervals from resampling people."""
    rows = []
    for name, scores in results.items():
        pooled = by_person([clip for clips in scores.values() for clip in clips])
        for kind, people in kinds(pooled).items():
            if people:
                rows.append((name, kind, str(len(people)), *(_cell(people, metric) for metric in METRICS)))
    return Table(
        "Recipes on people left out, without a reference (mean over people and seeds; 90 % of resamples of people)",
        ("recipe", "speech", "people", *(TITLES[metric] for metric in METRICS)),
        tuple(rows),
        "A constant face has / constant 1.00, amplitude 0 and no correlation. Clips weighted by length.",
    )


def _cell(people: dict[str, PersonFigures], metric: str) -> str:
    figure = over_people(people, metric)
    return f"{figure.mean:.3f} [{figure.low:.2f}, {figure.high:.2f}]"


def person_table(results: dict[str, Scores]) -> Table:
    """Every person's correlation and error ratio, mean over seeds."""
    rows = []
    for name, scores in results.items():
        pooled = by_person([clip for clips in scores.values() for clip in clips])
        cells = [f"{figures.best:.2f} / {figures.error_ratio:.2f}" for figures in pooled.values()]
        rows.append((name, *cells))
    return Table("By person: correlation / error over constant", ("recipe", *pooled), tuple(rows))


def differences(first: Scores, second: Scores) -> dict[str, dict[str, Difference]]:
    """By kind of speech and metric, of recipes over the same folds and seeds."""
    found: dict[str, dict[str, Difference]] = {}
    for kind in ("free speech", "GRID"):
        found[kind] = {}
        for metric in METRICS:
            sides = [
                [over_people(kinds(by_person(clips))[kind], metric).mean for clips in scores.values()]
                for scores in (first, second)
            ]
            found[kind][metric] = difference(*sides)
    return found


def difference_table(names: tuple[str, str], found: dict[str, dict[str, Difference]]) -> Table:
    """Second recipe less the first."""
    rows = tuple(
        (kind, TITLES[metric], number(d.mean, 3, sign=True), number(d.noise, 3), "yes" if d.is_real else "no")
        for kind, metrics in found.items()
        for metric, d in metrics.items()
    )
    title = f"{names[1]} against {names[0]}"
    return Table(title, ("speech", "metric", "difference", "seeds make", "more than seeds"), rows)


def main(argv: Sequence[str]) -> int:
    """Train what is missing and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation protocol", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument(
        "--recipes", default="bundled", help="names, the first being what the others are compared with"
    )
    parser.add_argument("--seeds", type=int, default=2, help="how many")
    parser.add_argument("--folds", default="0,1,2", help=f"of 0 to {len(FOLDS) - 1}; the last leaves s1 out")
    parser.add_argument("--crowd", type=float, default=None, help="six readers behind, so many decibels under")
    parser.add_argument("--list", action="store_true", help="name all recipes")
    chosen = parser.parse_args(argv)
    if chosen.list:
        print("\n".join(recipe.name for recipe in recipes()))
        return 0
    folds, seeds = [int(fold) for fold in chosen.folds.split(",")], list(range(chosen.seeds))
    results: dict[str, Scores] = {}
    for name in chosen.recipes.split(","):
        results[name] = measure(find_recipe(name), folds, seeds, chosen.data, chosen.crowd)
        print(summary_table({name: results[name]}).text(), flush=True)
    print(summary_table(results).text())
    print(person_table(results).text())
    first, *others = results
    if len(seeds) > 1:
        for name in others:
            print(difference_table((first, name), differences(results[first], results[name])).text())
    return 0
