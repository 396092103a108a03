# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation ablations``: what each input, each source of faces and each amount of it is worth.

Shorter trainings with half the samples a step, scored on people that none has seen. Finished ones are kept in
build/ablations, so an interrupted run resumes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.face.basis import open_basis
from core.models.adamesh.generate import ExpressionGenerator
from core.models.speech.phonetic import PhoneticEncoder
from research.corpus.augment import AUGMENTATIONS
from research.corpus.clips import Clip, address_clips, heldout_clips, known_talker_clips
from research.evaluation.accuracy import OUT_OF_STEP, GroupScore, score_group
from research.evaluation.tables import Table
from research.paths import BUILD, DATA_ROOT
from research.training.expression.train import ExpressionSettings, motion_groups, train
from research.training.feature_bank import FacePair, InputEncoder, VoiceSettings, face_pairs
from research.training.loop import short_schedule

CACHE_ROOT = BUILD / "ablations"
GRID_ONLY = (("s1", 0.4), ("grid", 0.6))


@dataclass(frozen=True, slots=True)
class Ablation:
    """One training.

    people: how many GRID talkers take part beside s1 (None: all seven recordings of six people). retimed_part: one in
    how many re-timed recordings takes part.
    """

    name: str
    settings: ExpressionSettings
    people: int | None = None
    retimed_part: int = 1

    def label(self, encoder_hash: str) -> str:
        """A name for all that its result depends on."""
        parts = [
            asdict(self.settings),
            self.people,
            encoder_hash,
            *([self.retimed_part] if self.retimed_part > 1 else []),
        ]
        return f"ablation-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]}"


def ablations(steps: int) -> Iterator[Ablation]:
    """All that are compared; one thing changes at a time, first from the recipe on two sources, then on GRID alone."""
    grid = _short(steps)
    mixed = _with(grid, shares=(*GRID_ONLY, ("retimed", 0.4)))
    yield Ablation("phonetic, GRID and s1 re-timed to other voices", mixed)
    for part in (16, 4):
        yield Ablation(f"  one in {part} of these voices", mixed, retimed_part=part)
    yield Ablation("  attention without limit", replace(mixed, network=replace(mixed.network, reach=None, kernel=15)))
    yield Ablation("  styleless as any talker", _with(mixed, hidden_as_average=False))
    yield Ablation("  no squared opening", replace(mixed, loss=replace(mixed.loss, opening=0.0)))
    yield Ablation("  no style-varied copies", _with(mixed, varied_share=0.0))
    yield Ablation("  with FACEGOOD's talker", _with(mixed, shares=(*mixed.sampling.shares, ("facegood", 0.2))))
    yield Ablation("phonetic, GRID alone", grid)
    yield Ablation("  log-mel instead", replace(grid, inputs="mel"))
    yield Ablation("  phonetic and log-mel", replace(grid, inputs="both"))
    yield Ablation("  with FACEGOOD's talker alone", _with(grid, shares=(*GRID_ONLY, ("facegood", 0.25))))
    for people in (0, 2, 4):
        yield Ablation(f"  s1 and {people} others", grid, people)
    yield Ablation("  own voices only", replace(grid, voices=VoiceSettings(1)))
    for name in AUGMENTATIONS:
        yield Ablation(f"  voices without {name}", replace(grid, voices=VoiceSettings(left_out=(name,))))


def _with(settings: ExpressionSettings, **sampling: Any) -> ExpressionSettings:
    return replace(settings, sampling=replace(settings.sampling, **sampling))


def _short(steps: int) -> ExpressionSettings:
    """The shipped network, half the samples a step, on GRID alone."""
    settings = ExpressionSettings()
    sampling = replace(settings.sampling, shares=GRID_ONLY, batch=8)
    return replace(settings, schedule=short_schedule(steps), sampling=sampling, threads=1)


def run_ablation(ablation: Ablation, data: Path) -> dict[str, GroupScore]:
    """Train (or take the finished result) and score on the held-out groups."""
    phonetic = PhoneticEncoder.load()
    name = ablation.label(phonetic.hash)
    path = CACHE_ROOT / f"{name}.json"
    if not path.is_file():
        scores = _measured(ablation, InputEncoder(phonetic, ablation.settings.inputs), name, data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({group: asdict(score) for group, score in scores.items()}, indent=1))
    return {group: GroupScore(**score) for group, score in json.loads(path.read_text()).items()}


def _measured(ablation: Ablation, encoder: InputEncoder, name: str, data: Path) -> dict[str, GroupScore]:
    groups: dict[str, list[FacePair]] = {
        group: face_pairs(pairs, encoder, ablation.settings.voices)
        for group, pairs in motion_groups(data, open_basis(), ablation.settings).items()
    }
    if ablation.people is not None:
        chosen = sorted({pair.person for pair in groups["grid"]})[: ablation.people]
        groups["grid"] = [pair for pair in groups["grid"] if pair.person in chosen]
    if "retimed" in groups:
        groups["retimed"] = groups["retimed"][:: ablation.retimed_part]
    network = train(groups, encoder, ablation.settings, name)
    generator = ExpressionGenerator(network, encoder, open_basis(), name, "cpu")
    return {group: score_group(group, clips, generator.generate)[0] for group, clips in _scored_groups(data).items()}


def _scored_groups(data: Path) -> dict[str, list[Clip]]:
    in_step = [clip for clip in address_clips(data) if clip.person not in OUT_OF_STEP]
    return {
        "s1, new sentences": known_talker_clips(data)[::3],
        "GRID, unseen people": heldout_clips(data),
        **{clip.person: [clip] for clip in in_step},
    }


def table(results: dict[str, dict[str, GroupScore]]) -> Table:
    """One row for each training: correlation and lip error over the constant face's, group by group."""
    groups = list(next(iter(results.values())))
    rows = [
        (name, *(_cell(scores[group]) for group in groups), f"{scores['GRID, unseen people'].amplitude_ratio:.2f}")
        for name, scores in results.items()
    ]
    return Table(
        title="Ablations: correlation of mouth opening (lip error as a share of the constant face's)",
        columns=("trained on", *groups, "amplitude"),
        rows=tuple(rows),
        note="Shorter trainings. Amplitude: generated over true spread of the opening, unseen GRID people.",
    )


def _cell(score: GroupScore) -> str:
    return f"{score.correlation:.3f} ({score.lip_error_mm / score.constant_error_mm:.2f})"


def main(arguments: list[str]) -> int:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation ablations", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--only", help="part of the names to train")
    chosen = parser.parse_args(arguments)
    wanted = [item for item in ablations(chosen.steps) if not chosen.only or chosen.only in item.name]
    print(table({item.name: run_ablation(item, chosen.data) for item in wanted}).text())
    return 0
