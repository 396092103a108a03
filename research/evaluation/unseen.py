# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation unseen``: people whom no network has seen, without a reference, beside a still face.

Both engines with both speech encoders, on GRID's held-out people and on free speech that is only scored. With
``--babble`` the GRID clips also with six talkers behind. Nothing is chosen by this table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.speech import Speech
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.mimic import MimicBackend
from core.engine.context import open_context
from core.face.basis import open_basis
from core.models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator
from core.models.mimic.generate import MIMIC_FILE
from core.models.speech.registry import BUNDLED, WHISPER, weights_file
from core.models.speech.whisper_files import whisper_is_ready
from core.weights import is_bundled
from research.corpus.clips import Clip, free_scoring_clips, heldout_clips
from research.evaluation.accuracy import Generate, TruthClip, truth
from research.evaluation.protocol.scores import ProtocolClip, by_person, over_people, score_clip
from research.evaluation.report import SEED
from research.evaluation.robustness import CONDITIONS, Surroundings, person_voices, robustness_groups
from research.evaluation.tables import Table
from research.paths import DATA_ROOT

STILL = "0 / 1.00 / 0"
BABBLE = ("babble, 10 dB", "babble, 0 dB")
METRICS = ("best", "error_ratio", "amplitude")


@dataclass(frozen=True, slots=True)
class Network:
    """A row of the table."""

    name: str
    generate: Generate


def networks(pack: Path | None = None, weights: Sequence[Path] = ()) -> Iterator[Network]:
    """Every engine and encoder that has weights here; then a model pack's, and single files of AdaMesh's base."""
    for choice in (BUNDLED, WHISPER):
        if choice == WHISPER and not whisper_is_ready():
            continue
        context = open_context("cpu", choice)
        for label, backend, file in (
            ("AdaMesh", AdaMeshBackend, EXPRESSION_FILE),
            ("Mimic", MimicBackend, MIMIC_FILE),
        ):
            if is_bundled(weights_file(file, choice)):
                yield Network(f"{label}, {choice}", backend.load(context).generator.generate)
    if pack is not None:
        yield Network(f"pack {pack.name}", AdaMeshBackend.load(open_context("cpu", pack=pack)).generator.generate)
    for path in weights:
        yield Network(path.stem, ExpressionGenerator.load("cpu", path).generate)


def people_table(found: Sequence[Network], data: Path) -> Table:
    """Correlation at the best of two frames / lip error over the still face's / amplitude."""
    grid, free = heldout_clips(data), free_scoring_clips(data)
    rows = []
    for network in found:
        scores = _scores(network.generate, grid)
        people = by_person(scores)
        cells = [_cell([over_people(people, metric).mean for metric in METRICS]), _median(scores)]
        for clip in free:
            (score,) = _scores(network.generate, [clip])
            cells.append(_cell(_figures(score)))
        rows.append((network.name, *cells))
        sys.stderr.write(f"{rows[-1]}\n")
    rows.append(("a face that never moves", *(STILL,) * (2 + len(free))))
    names = [f"{clip.person}, free" for clip in free]
    return Table(
        "People never trained on, no reference: correlation / lip error over a still face / amplitude",
        ("network", f"GRID, mean of {len({c.individual for c in grid})} people", "GRID, median of clips", *names),
        tuple(rows),
        "The opening's correlation is at the best of two frames after an offset that was fitted once and frozen.",
    )


def babble_table(found: Sequence[Network], data: Path) -> Table:
    """GRID's held-out people with six other held-out people talking behind, medians of clips."""
    voices, clips = person_voices(robustness_groups(data)), heldout_clips(data)
    rows = []
    for network in found:
        cells = [_median(_scores(network.generate, clips))]
        for condition in BABBLE:
            cells.append(_median([_noisy(network, i, clip, condition, voices) for i, clip in enumerate(clips)]))
        rows.append((network.name, *cells))
        sys.stderr.write(f"{rows[-1]}\n")
    rows.append(("a face that never moves", *(STILL,) * (1 + len(BABBLE))))
    return Table("Six talkers behind (GRID, median of clips)", ("network", "clean", *BABBLE), tuple(rows), "")


def _noisy(network: Network, index: int, clip: Clip, condition: str, voices: dict[str, np.ndarray]) -> ProtocolClip:
    item, basis = _truth(clip), open_basis()
    others = [voice for person, voice in voices.items() if person != clip.person]
    around = Surroundings(others, np.random.default_rng([SEED, index]))
    heard = Speech(CONDITIONS[condition](item.speech.samples, around), item.speech.source)
    return score_clip(item, basis.displacement(network.generate(heard)), basis)


def _scores(generate: Generate, clips: Sequence[Clip]) -> list[ProtocolClip]:
    basis = open_basis()
    items = [_truth(clip) for clip in clips]
    return [score_clip(item, basis.displacement(generate(item.speech)), basis) for item in items]


_TRUTHS: dict[str, TruthClip] = {}


def _truth(clip: Clip) -> TruthClip:
    if clip.key not in _TRUTHS:
        _TRUTHS[clip.key] = truth(clip, open_basis())
    return _TRUTHS[clip.key]


def _figures(score: ProtocolClip) -> list[float]:
    return [score.best, score.lip_error_mm / score.constant_mm, score.amplitude]


def _median(scores: Sequence[ProtocolClip]) -> str:
    return _cell(np.median([_figures(score) for score in scores], axis=0).tolist())


def _cell(values: Sequence[float]) -> str:
    return f"{values[0]:.3f} / {values[1]:.2f} / {values[2]:.2f}"


def main(argv: Sequence[str]) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation unseen", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--babble", action="store_true", help="also with six talkers behind")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--pack", type=Path, default=None, help="a model pack beside them")
    parser.add_argument("--weights", type=Path, action="append", default=[], help="a file of AdaMesh's base as well")
    chosen = parser.parse_args(argv)
    found = [network for network in networks(chosen.pack, chosen.weights) if chosen.only in network.name]
    sys.stdout.write(f"{people_table(found, chosen.data).text()}\n")
    if chosen.babble:
        sys.stdout.write(f"{babble_table(found, chosen.data).text()}\n")
    return 0
