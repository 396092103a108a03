# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of Mimic's constraints and its parallel decoder are worth: short trainings that differ in one thing.

Finished ones are kept in build/mimic_ablations, so an interrupted run resumes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from core.face.basis import open_basis
from core.models.mimic.generate import MimicGenerator
from research.evaluation.mimic.disentangle import SPACES, WITH_SIZES, disentanglement
from research.evaluation.mimic.methods import MEAN, OTHER, OWN, MimicResult, mimic_results
from research.evaluation.mimic.people import long_people
from research.evaluation.style.benchmark import Ruler
from research.evaluation.tables import Table, number
from research.paths import BUILD
from research.training.extractors import BUNDLED, Extractor, open_extractor
from research.training.feature_bank import FacePair
from research.training.loop import short_schedule
from research.training.mimic.autoregressive import AUTOREGRESSIVE
from research.training.mimic.loss import CONSTRAINTS
from research.training.mimic.train import MimicSettings, mimic_groups, train

CACHE_ROOT = BUILD / "mimic_ablations"


@dataclass(frozen=True, slots=True)
class Ablation:
    """One training."""

    name: str
    settings: MimicSettings


@dataclass(frozen=True, slots=True)
class AblationScore:
    """Means over held-out people; probes are shares, contents with sizes; ``mimic_disentangle`` has the rest."""

    own_error_mm: float
    other_error_mm: float
    mean_error_mm: float
    correlation: float
    own_closer: float
    style_probe: float
    content_probe: float
    speech_probe: float
    cosine_gap: float
    swap_towards: float
    seconds: float


def ablations(steps: int) -> Iterator[Ablation]:
    """All constraints, without each, and the paper's decoder; half batches of the shipped recipe."""
    base = MimicSettings()
    schedule = replace(short_schedule(steps), save_every=100)
    sampling = replace(base.sampling, batch=base.sampling.batch // 2)
    base = replace(base, schedule=schedule, sampling=sampling, threads=torch.get_num_threads())
    full = base.constraints
    yield Ablation("all constraints", base)
    without = (
        replace(full, style=0.0),
        replace(full, inverse=(0.0, 0.0, 0.0)),
        replace(full, contrast=0.0),
        replace(full, style_cycle=0.0, content_cycle=0.0),
    )
    for name, weights in zip(CONSTRAINTS, without, strict=True):
        yield Ablation(f"without {name}", replace(base, constraints=weights))
    yield Ablation("without the voice's classifier", replace(base, constraints=replace(full, voice=0.0)))
    yield Ablation("without the regions' spread", replace(base, constraints=replace(full, spread=0.0)))
    yield Ablation("autoregressive decoder", replace(base, network=replace(base.network, decoder=AUTOREGRESSIVE)))


def ablation_table(data: Path, steps: int) -> Table:
    """Train what is missing and compare."""
    encoder = open_extractor(BUNDLED)
    groups: dict[str, list[FacePair]] = {}
    scores = {}
    for ablation in ablations(steps):
        path = _path(ablation, encoder)
        if not path.is_file():
            groups = groups or mimic_groups(data, encoder, ablation.settings)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asdict(_measured(ablation, encoder, groups, data)), indent=1))
        scores[ablation.name] = AblationScore(**json.loads(path.read_text()))
    return table(scores, steps)


def table(scores: dict[str, AblationScore], steps: int) -> Table:
    """One row for each training."""
    rows = [
        (
            name,
            number(score.own_error_mm),
            number(score.other_error_mm),
            number(score.mean_error_mm),
            number(score.correlation),
            *(number(100 * share, 0) for share in (score.own_closer, score.style_probe)),
            *(number(100 * share, 0) for share in (score.content_probe, score.speech_probe)),
            number(score.cosine_gap),
            number(100 * score.swap_towards, 0),
            number(score.seconds, 3),
        )
        for name, score in scores.items()
    ]
    columns = (
        *("trained with", "own code mm", "another's mm", "mean code mm", "correlation", "own closer %"),
        *("person from style %", "from content %", "from speech %"),
        *("cosine within - across", "swap towards %", "10 s of speech, s"),
    )
    return Table(f"Mimic's ablations, {steps} steps each", columns, tuple(rows))


def _path(ablation: Ablation, encoder: Extractor) -> Path:
    settings = replace(ablation.settings, threads=0)
    described = json.dumps([asdict(settings), encoder.encoder.hash], sort_keys=True)
    return CACHE_ROOT / f"{hashlib.sha256(described.encode()).hexdigest()[:12]}.json"


def _measured(ablation: Ablation, encoder: Extractor, groups: dict[str, list[FacePair]], data: Path) -> AblationScore:
    network = train(groups, encoder.encoder, ablation.settings, f"mimic-ablation-{_path(ablation, encoder).stem}")
    mimic = MimicGenerator(network, encoder.encoder, open_basis(), ablation.name, "cpu")
    people = long_people(data)
    results = {result.name: result for result in mimic_results(people, Ruler.of(people), mimic)}
    apart = disentanglement(mimic, people)
    accuracy = {item.space: item.accuracy for item in apart.probes}
    return AblationScore(
        own_error_mm=_mean(results[OWN], "lip_error_mm"),
        other_error_mm=_mean(results[OTHER], "lip_error_mm"),
        mean_error_mm=_mean(results[MEAN], "lip_error_mm"),
        correlation=_mean(results[OWN], "correlation"),
        own_closer=float(np.mean([row.own_closer for row in results[OWN].people])),
        style_probe=accuracy[SPACES[0]],
        content_probe=accuracy[WITH_SIZES[0]],
        speech_probe=accuracy[WITH_SIZES[1]],
        cosine_gap=apart.agreement.within - apart.agreement.across,
        swap_towards=apart.swap.movement.overall,
        seconds=results[MEAN].people[0].first_seconds,
    )


def _mean(result: MimicResult, name: str) -> float:
    return float(np.mean([row.mean(name) for row in result.people]))
