# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation mimic``: Mimic beside AdaMesh and simple faces on held-out people, and what its two
spaces hold. ``--ablations`` trains small networks without each constraint instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from core.models.adamesh.generate import ExpressionGenerator
from core.models.mimic.generate import MimicGenerator
from research.evaluation.mimic.ablations import ablation_table
from research.evaluation.mimic.disentangle import Disentanglement, disentanglement
from research.evaluation.mimic.methods import CORRECTED, OWN, MimicResult, measured, mimic_results
from research.evaluation.mimic.people import long_people, short_people
from research.evaluation.mimic.tables import OwnWins, disentanglement_tables, main_table, person_table, wins_table
from research.evaluation.report import BENCHMARK, origin
from research.evaluation.style.benchmark import Ruler
from research.evaluation.tables import Table
from research.paths import DATA_ROOT

RESULTS = "mimic.json"


@dataclasses.dataclass(frozen=True, slots=True)
class MimicFindings:
    """Everything that is kept."""

    results: tuple[MimicResult, ...]
    short: tuple[MimicResult, ...]
    apart: Disentanglement
    truth: float

    def tables(self) -> tuple[Table, ...]:
        """In the order of the issue."""
        wins = [
            (f"{who}: {own.removeprefix('Mimic, ')}", OwnWins.of(results, own))
            for who, results in (("with 4 s and more", self.results), ("also with one GRID clip", self.short))
            for own in (OWN, CORRECTED)
        ]
        tables = (main_table(self.results, self.truth), person_table(self.results), wins_table(wins))
        return (*tables, *disentanglement_tables(self.apart))


def run(data: Path, mimic: MimicGenerator, only_mimic: bool) -> MimicFindings:
    """All of it; prints each row as it is known."""
    people = long_people(data)
    ruler = Ruler.of(people)
    base = None if only_mimic else ExpressionGenerator.load("cpu")
    results = []
    for result in measured(people, ruler, mimic, base):
        results.append(result)
        lines = (f"{row.person} {row.mean('lip_error_mm'):.2f} mm" for row in result.people)
        print(f"{result.name}: {', '.join(lines)}", flush=True)
    everybody = [*people, *short_people(data)]
    short = mimic_results(everybody, Ruler.of(everybody), mimic)
    return MimicFindings(tuple(results), tuple(short), disentanglement(mimic, people), ruler.truth)


def main(argv: Sequence[str]) -> int:
    """Print the tables and keep the numbers."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation mimic", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--out", type=Path, default=BENCHMARK, help=f"folder for {RESULTS}")
    parser.add_argument("--model", type=Path, default=None, help="other weights than the bundled ones")
    parser.add_argument("--only-mimic", action="store_true", help="without AdaMesh and visemes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ablations", action="store_true", help="train without each constraint, on few steps")
    parser.add_argument("--steps", type=int, default=400, help="of each ablation")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(chosen.threads)
    if chosen.ablations:
        print(ablation_table(chosen.data, chosen.steps).text())
        return 0
    found = run(chosen.data, MimicGenerator.load(path=chosen.model), chosen.only_mimic)
    for table in found.tables():
        print(f"\n{table.text()}", flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / RESULTS
    path.write_text(json.dumps({"origin": dataclasses.asdict(origin()), **dataclasses.asdict(found)}, indent=1) + "\n")
    print(f"Wrote {path}")
    return 0
