# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation``: the tables of `make benchmark`, as measured on this machine, with a report.

``--only SECTION`` runs a part. ``--short`` runs the form for CI and fails on a regression; ``--record`` adds its
result to the committed history. ``side-by-side CLIP --out X.mp4`` and ``overlay CLIP --out FOLDER`` show one clip.
``sync`` tells whether generated motion is early or late against recordings from many sources, ``languages`` whether
the lips close, round and open at the right time in each language (needs espeak-ng and flite), ``eyes`` whether blinks
and gaze are as the recorded people's, ``retimed`` how true the made-up training motion is, ``style`` what a person's
style learnt from ten seconds is worth, by every method, ``pose`` how the head moves on people whom no prior has seen,
``mimic`` what Mimic's codes do on such people beside AdaMesh, and what style and content hold. ``unseen`` prints the
table of people whom no network has seen, for both engines and speech encoders, ``alternatives`` one small table of
them beside other ways of moving a mouth, ``closures`` whether a style costs any,
``own-codes`` what ten seconds of a person are worth to Mimic. ``protocol`` compares trainings on people left out,
``curves`` what more people, more seconds and a larger ear bring there,
``first`` how soon after a new reference keys are on the face, first and last.
Needs ../shared/data for people; the closed loop, the speed and the short form run on the bundled demo's own files.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.errors import MimeshError
from research.evaluation import (
    alternatives,
    comparison,
    eyes,
    first_keys,
    languages,
    personal_section,
    phonetic_scores,
    sections,
    show,
    sync,
    unseen,
)
from research.evaluation import (
    time_warped as retimed,
)
from research.evaluation.encoder_speed import encoders
from research.evaluation.history import HISTORY, append_history, read_history, regressions
from research.evaluation.mimic import benchmark as mimic
from research.evaluation.mimic import own_codes
from research.evaluation.pose import benchmark as pose
from research.evaluation.protocol import benchmark as protocol
from research.evaluation.protocol import curves
from research.evaluation.report import BENCHMARK, hardware, write_results
from research.evaluation.robustness import robustness
from research.evaluation.style import benchmark as style_benchmark
from research.evaluation.style import closures as style_closures
from research.evaluation.tables import Section
from research.paths import DATA_ROOT

RUNNERS: dict[str, Callable[[Path], Section]] = {
    "accuracy": sections.accuracy,
    "baselines": comparison.baselines,
    "personal": personal_section.personal,
    "ranking": comparison.ranking,
    "robustness": robustness,
    "mesh": sections.mesh,
    "loop": sections.loop,
    "speed": sections.speed,
    "encoders": encoders,
    "growth": sections.growth,
    "shapes": sections.shapes,
    "languages": languages.languages,
}

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "sync": sync.main,
    "eyes": eyes.main,
    "retimed": retimed.main,
    "languages": languages.main,
    "phonetic": phonetic_scores.main,
    "protocol": protocol.main,
    "curves": curves.main,
    "unseen": unseen.main,
    "alternatives": alternatives.main,
    "style": style_benchmark.main,
    "closures": style_closures.main,
    "pose": pose.main,
    "mimic": mimic.main,
    "own-codes": own_codes.main,
    "first": first_keys.main,
}


def main(argv: list[str] | None = None) -> int:
    """Print the chosen tables; 1 with a sentence when something needed is missing or has become worse."""
    arguments = sys.argv[1:] if argv is None else argv
    # read when torch loads its thread pool: see core/engine/loaded.py
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="mimesh-benchmark-"))
    try:
        if arguments and arguments[0] in show.COMMANDS:
            return show.main(arguments)
        if arguments and arguments[0] in COMMANDS:
            return COMMANDS[arguments[0]](arguments[1:])
        return _benchmark(_parser().parse_args(arguments))
    except MimeshError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m research.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--out", type=Path, default=BENCHMARK, help="folder for report.html and results.json")
    parser.add_argument("--only", choices=list(RUNNERS), action="append", help="one section (may be repeated)")
    parser.add_argument("--short", action="store_true", help="the form for CI")
    parser.add_argument("--record", action="store_true", help="with --short: add the result to the history")
    parser.add_argument("--accept", metavar="REASON", default="", help="with --record: also where something is worse")
    return parser


def _benchmark(arguments: argparse.Namespace) -> int:
    if arguments.short:
        return _short(arguments.data, arguments.record, arguments.accept)
    print(hardware())
    done, failed = [], 0
    for name in arguments.only or RUNNERS:
        try:
            section = RUNNERS[name](arguments.data)
        except MimeshError as error:
            # one part that cannot run must not take the others' results with it
            print(f"\n{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        done.append(section)
        for table in section.tables:
            print(f"\n{table.text()}", flush=True)
    for path in write_results(done, arguments.out):
        print(f"Wrote {path}")
    return 1 if failed else 0


def _short(data: Path, record: bool, accept: str) -> int:
    from research.evaluation.short import measure_short, short_table

    history = read_history()
    entry = measure_short(data)
    print(short_table(entry, history).text())
    worse = regressions(entry, history)
    print("\n".join(worse) or "No regression.")
    if record and (accept or not worse):
        append_history(replace(entry, accepted=accept if worse else ""))
        print(f"Recorded in {HISTORY}")
        return 0
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
