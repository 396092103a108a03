# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training hardening``: how much of the weights hardened in a crowd ships, on people left out.

For each fold a network is trained, then hardened; weights on the line between both speak the people left out, in
silence and with six readers behind whom hardening has not heard.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.models.adamesh.generate import ExpressionGenerator
from research.corpus.clips import Clip
from research.corpus.crowd import Crowd
from research.evaluation.protocol.folds import FREE_PEOPLE, Run, clip_truth, fold_groups, scored_clips
from research.evaluation.protocol.recipes import find_recipe
from research.evaluation.protocol.scores import ProtocolClip, by_person, over_people, score_clip
from research.evaluation.tables import Table
from research.training.expression.train import TrainedExpression, between, hardening_schedule, train
from research.training.extractors import Extractor, open_extractor
from research.training.feature_bank import CrowdSettings, face_pairs, in_crowds

SHARES = (0.0, 0.25, 0.5, 1.0)
DECIBEL = 10.0
STEPS = 60


@dataclass(frozen=True, slots=True)
class HardenedScore:
    """Clips of the people left out, by the share of hardened weights and by whether a crowd is behind."""

    share: float
    crowd: bool
    clips: tuple[ProtocolClip, ...]


def scores(encoder: str, fold: int, data: Path) -> Iterator[HardenedScore]:
    """Train the fold's two networks, or go on with them, and score every share."""
    recipe = find_recipe(encoder)
    extractor = open_extractor(recipe.encoder, recipe.width)
    readers = Crowd.of_readers(data)
    # every third reader is kept for scoring
    heard = Crowd(tuple(v for k, v in enumerate(readers.voices) if k % 3))
    unheard = Crowd(readers.voices[::3])
    first, hardened = _trained(Run(recipe, fold, 0), extractor, heard, data)
    clips = scored_clips(fold, data)
    for share in SHARES:
        network = between(first, hardened, share).network
        generator = ExpressionGenerator(network, extractor.encoder, open_basis(), "hardening", "cpu")
        for crowd in (False, True):
            found = (_score(generator, clip, unheard if crowd else None, k) for k, clip in enumerate(clips))
            yield HardenedScore(share, crowd, tuple(found))


def _trained(item: Run, extractor: Extractor, crowd: Crowd, data: Path) -> tuple[TrainedExpression, TrainedExpression]:
    settings = replace(item.recipe.settings, rest_from=item.recipe.settings.schedule.steps * 3 // 5)
    motions = {name: pairs for name, pairs in fold_groups(item, data).items() if pairs}
    groups = {name: face_pairs(pairs, extractor, settings.voices) for name, pairs in motions.items()}
    name = f"hardening-{item.recipe.name}-fold{item.fold}"
    first = train(groups, extractor.encoder, settings, name)
    harder = replace(settings, schedule=hardening_schedule(STEPS), rest_from=0)
    crowds = {n: in_crowds(own, motions[n], extractor, crowd, CrowdSettings()) for n, own in groups.items()}
    return first, train(crowds, extractor.encoder, harder, f"{name}-hard", first)


def _score(generator: ExpressionGenerator, clip: Clip, crowd: Crowd | None, number: int) -> ProtocolClip:
    item, basis = clip_truth(clip), open_basis()
    speech = item.speech
    if crowd is not None:
        noisy = crowd.behind(speech.samples, DECIBEL, np.random.default_rng([7, number]))
        speech = Speech(noisy, speech.source)
    return score_clip(item, basis.displacement(generator.generate(speech)), basis)


def table(found: Sequence[HardenedScore]) -> Table:
    """Means over people: correlation / lip error over constant face."""
    rows = []
    for share in SHARES:
        cells = []
        for crowd in (False, True):
            clips = [clip for score in found if (score.share, score.crowd) == (share, crowd) for clip in score.clips]
            people = by_person(clips)
            for free in (True, False):
                own = {name: figures for name, figures in people.items() if (name in FREE_PEOPLE) is free}
                if own:
                    cells.append(f"{over_people(own, 'best').mean:.3f} / {over_people(own, 'error_ratio').mean:.2f}")
        rows.append((f"{share:g}", *cells))
    return Table(
        "Share of hardened weights, on people left out",
        ("share", "free, silence", "GRID, silence", f"free, crowd {DECIBEL:g} dB", f"GRID, crowd {DECIBEL:g} dB"),
        tuple(rows),
        "Correlation / lip error over a face that never moves (1.00).",
    )


def run(data: Path, encoder: str, folds: Sequence[int]) -> None:
    """Print the table after each fold."""
    found: list[HardenedScore] = []
    for fold in folds:
        found += scores(encoder, fold, data)
        sys.stdout.write(f"folds to {fold}\n{table(found).text()}\n")
        sys.stdout.flush()
