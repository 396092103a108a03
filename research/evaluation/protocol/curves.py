# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation curves``: what more people, more seconds of each and a larger ear bring.

Every point is a short training of the protocol's, scored on people who were left out; finished ones are kept, so that
an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.models.speech.registry import BUNDLED, WHISPER
from research.evaluation.protocol.benchmark import Scores, kinds, measure
from research.evaluation.protocol.recipes import Recipe, find_recipe
from research.evaluation.protocol.scores import by_person, over_people
from research.evaluation.tables import Table
from research.paths import DATA_ROOT


@dataclass(frozen=True, slots=True)
class Curve:
    """points: what the axis says and the recipe's name."""

    axis: str
    points: tuple[tuple[str, str], ...]


def curves(encoder: str) -> tuple[Curve, ...]:
    """By what the shipped data can be made less; the width can only be changed of Whisper's values."""
    found = [
        Curve(
            "GRID people in training",
            (("1", f"{encoder}-s1-and-0"), ("up to 4", f"{encoder}-s1-and-3"), ("all", encoder)),
        ),
        Curve(
            "seconds of each free speaker",
            (
                ("0", f"{encoder}-grid"),
                ("3", f"{encoder}-free-3s"),
                ("10", f"{encoder}-free-10s"),
                ("all", encoder),
            ),
        ),
        Curve("steps", (("100", f"{encoder}-steps100"), ("150", encoder), ("400", f"{encoder}-steps400"))),
    ]
    if encoder == WHISPER:
        narrow = tuple((str(width), f"whisper-width{width}") for width in (16, 32))
        wide = tuple((str(width), f"whisper-width{width}") for width in (96, 128))
        found.append(Curve("Whisper's values", (*narrow, ("64", WHISPER), *wide)))
    return tuple(found)


def curve_table(curve: Curve, results: dict[str, Scores]) -> Table:
    """Correlation / lip error over a still face, mean over people and seeds, for every point that was trained."""
    rows = [(label, *_cells(results[name])) for label, name in curve.points if name in results]
    rows.append(("a face that never moves", "0 / 1.000", "0 / 1.000"))
    return Table(
        f"{curve.axis}: correlation / lip error over a still face, of people left out",
        (curve.axis, "free speech", "GRID"),
        tuple(rows),
    )


def _cells(scores: Scores) -> list[str]:
    people = kinds(by_person([clip for clips in scores.values() for clip in clips]))
    return [
        f"{over_people(own, 'best').mean:.3f} / {over_people(own, 'error_ratio').mean:.3f}" for own in people.values()
    ]


def _shortened(recipe: Recipe, steps: int) -> Recipe:
    """The same on so many steps; 0: its own."""
    if not steps:
        return recipe
    schedule = replace(recipe.settings.schedule, steps=steps)
    return replace(recipe, settings=replace(recipe.settings, schedule=schedule))


def main(argv: Sequence[str]) -> int:
    """Train what is missing and print a table for each curve."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation curves", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--speech-encoder", choices=(BUNDLED, WHISPER), default=BUNDLED)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--folds", default="0,1,2")
    parser.add_argument("--only", default="", help="curves whose axis contains this")
    parser.add_argument("--steps", type=int, default=0, help="of every training, to see whether all is in place")
    chosen = parser.parse_args(argv)
    folds = [int(fold) for fold in chosen.folds.split(",")]
    results: dict[str, Scores] = {}
    for curve in curves(chosen.speech_encoder):
        if chosen.only not in curve.axis:
            continue
        for _, name in curve.points:
            if name not in results:
                recipe = _shortened(find_recipe(name), chosen.steps)
                results[name] = measure(recipe, folds, range(chosen.seeds), chosen.data)
        sys.stdout.write(f"{curve_table(curve, results).text()}\n\n")
        sys.stdout.flush()
    return 0
