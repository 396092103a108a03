# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation alternatives``: Mimesh beside other ways of moving a mouth, as one small table.

Both engines with both encoders, rule-based visemes (with the words known, and without), the mean talker at each
loudness and a face that never moves, on the same clips of people that nothing was fitted to, without a reference.
``--write`` puts the table into docs/benchmarks.md. Nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import MediaError
from core.face.basis import open_basis
from research.corpus.clips import Clip, free_scoring_clips, heldout_clips
from research.evaluation.accuracy import truth
from research.evaluation.baselines import ConstantFace, MeanTalker, System, fitting_clips
from research.evaluation.baselines_viseme import fit_visemes
from research.evaluation.compare import (
    GeneratorSystem,
    SystemRun,
    SystemSummary,
    TrackedTruth,
    common_clips,
    run_system,
    summarise_run,
)
from research.evaluation.tables import number
from research.evaluation.unseen import networks
from research.paths import DATA_ROOT, ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN = "<!-- alternatives: made by `make benchmark-alternatives`, do not edit by hand -->"
END = "<!-- end of alternatives -->"
_COLUMNS = ("opens when theirs does", "lip error / still face", "closures kept")
_PERFECT = "| *perfect* |" + " *1* | *0* | *100 %* |"
_MEASURED = "Medians over clips of people that nothing was fitted to, no reference; {clips}. Measured on {day}."


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of speech. summaries: by system; one that cannot do it (no words are known) is left out."""

    name: str
    clips: int
    summaries: Mapping[str, SystemSummary]


def systems() -> list[System]:
    """All rows, ours first."""
    samples = fitting_clips()
    visemes, _ = fit_visemes(samples)
    ours: list[System] = [GeneratorSystem(network.name, network.generate) for network in networks()]
    return [*ours, visemes, visemes.without_transcript(), MeanTalker.fit(samples), ConstantFace()]


def measure(name: str, clips: Sequence[Clip], rows: Sequence[System]) -> Group:
    """Every system on the clips that all of those can handle which handle any."""
    basis = open_basis()
    truths = [TrackedTruth.of(truth(clip, basis), basis) for clip in clips]
    runs: list[SystemRun] = [run_system(row, truths, basis) for row in rows]
    present = [run for run in runs if run.results]
    keys = common_clips(present)
    return Group(name, len(keys), {run.name: summarise_run(run, truths, keys) for run in present})


def markdown(groups: Sequence[Group], names: Sequence[str], day: str) -> str:
    """The table as the page has it: a row for each way, three columns for each kind of speech."""
    columns = [f"{group.name}: {column}" for group in groups for column in _COLUMNS]
    lines = ["| way | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    lines += [
        f"| {name} | " + " | ".join(cell for group in groups for cell in _cells(group, name)) + " |" for name in names
    ]
    lines.append(_PERFECT + " *1* | *0* | *100 %* |" * (len(groups) - 1))
    clips = ", ".join(f"{group.name} {group.clips} clips" for group in groups)
    return "\n".join([*lines, "", _MEASURED.format(clips=clips, day=day)])


def write_into(page: Path, table: str) -> None:
    """Replace what stands between the page's two marks. Raises :class:`MediaError` where it has none."""
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise MediaError(f"{page} has no place for the table.", f'Put "{BEGIN}" and "{END}" into it.')
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(argv: list[str]) -> int:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation alternatives", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--write", action="store_true", help="put it into docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    rows = systems()
    groups = [
        measure("reading", heldout_clips(arguments.data), rows),
        measure("free speech", free_scoring_clips(arguments.data), rows),
    ]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    table = markdown(groups, [row.name for row in rows], day)
    print(table)
    if arguments.write:
        write_into(PAGE, table)
        print(f"Wrote {PAGE}", file=sys.stderr)
    return 0


def _cells(group: Group, name: str) -> tuple[str, str, str]:
    found = group.summaries.get(name)
    if found is None:
        return "–", "–", "–"
    return (
        number(found.correlation, 3),
        number(found.lip_error_mm / found.constant_error_mm),
        "–" if found.recall != found.recall else f"{found.recall:.0%}",
    )
