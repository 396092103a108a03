# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation pose``: the head's motion on people whom no prior has seen, beside simpler systems.

Each person of ``free_speech/train`` is held out in turn; the priors for that are trained once, with fewer steps than
the shipped one, and kept under build/pose/folds. Retrieval, length and speed are of the shipped prior.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from core.face.motion import INTERNAL_FPS
from core.models.pose.generate import PoseGenerator
from core.models.speech.phonetic import PhoneticEncoder
from research.evaluation.pose.length import long_table
from research.evaluation.pose.prominence import stress_table
from research.evaluation.pose.systems import Nearer, SystemScore, held_out_scores, nearer_shares
from research.evaluation.tables import Section, Table, number
from research.paths import DATA_ROOT
from research.training.pose.data import PoseClip, shipped_clips
from research.training.pose.folds import lively_people, without
from research.training.pose.prior import PoseWindows, code_use, score_prior
from research.training.pose.train import PoseTrainingSettings, unit_speech
from research.training.pose.units import Retrieved, split_half_retrieval

USE_WINDOWS = 512
USE_FRAMES = 128


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """degrees: mean angle error of a person by a prior that has not seen them, over ``frames``.

    plain_degrees: with the codes that the encoder alone would take.
    """

    person: str
    frames: int
    degrees: float
    plain_degrees: float


def pose(data: Path) -> Section:
    """All tables of head motion."""
    encoder = PhoneticEncoder.load()
    clips = shipped_clips(data, encoder)
    settings = PoseTrainingSettings().shortened()
    folds = {person: without(person, clips, encoder, settings, unit_speech(data)) for person in lively_people(clips)}
    rebuilt = [_reconstruction(person, clips, folds[person]) for person in folds]
    scores = held_out_scores(folds, clips)
    nearer = nearer_shares(folds, clips)
    shipped = PoseGenerator.load()
    latents = [shipped.latents(clip.head) for clip in clips]
    retrieved = split_half_retrieval(clips, latents, shipped.units)
    length, length_data = long_table(shipped, clips, data)
    follows, follows_data = stress_table(shipped, clips, data)
    tables = (
        _reconstruction_table(rebuilt, folds, clips),
        _retrieval_table(retrieved, len(shipped.units)),
        _systems_table(scores),
        _nearer_table(nearer),
        follows,
        length,
    )
    stored = {
        "reconstruction": [asdict(row) for row in rebuilt],
        "retrieval": asdict(retrieved),
        "systems": [asdict(row) for row in scores],
        "nearer": [asdict(row) for row in nearer],
        "with speech": follows_data,
        "length": length_data,
    }
    return Section("pose", tables, stored)


def _reconstruction(person: str, clips: Sequence[PoseClip], fold: PoseGenerator) -> Reconstruction:
    heads = [clip.head for clip in clips if clip.person == person]
    score = score_prior(fold.vq, heads)
    return Reconstruction(person, sum(map(len, heads)), score.degrees, score.plain_degrees)


def _reconstruction_table(
    rows: Sequence[Reconstruction], folds: dict[str, PoseGenerator], clips: Sequence[PoseClip]
) -> Table:
    vq = next(iter(folds.values())).vq
    used, perplexity = _code_use(folds, clips)
    frames = [row.frames for row in rows]
    both = np.array([(row.degrees, row.plain_degrees) for row in rows])
    people = [
        (row.person, number(row.frames / INTERNAL_FPS, 0), *map(number, pair))
        for row, pair in zip(rows, both, strict=True)
    ]
    levels = "; ".join(
        f"level {i + 1}: {use:.0%} used, perplexity {p:.0f}"
        for i, (use, p) in enumerate(zip(used, perplexity, strict=True))
    )
    return Table(
        "Reconstruction of people that the prior has not seen: mean angle error, degrees",
        ("person", "seconds", "error", "encoder's codes"),
        (
            *people,
            (
                "all frames",
                number(sum(frames) / INTERNAL_FPS, 0),
                *map(number, np.average(both, axis=0, weights=frames)),
            ),
            ("mean of people", "", *map(number, both.mean(axis=0))),
        ),
        "Codes near the encoder's latents are chosen by what they decode to; beside them the nearest ones. "
        f"{vq.config.codes_per_second:.2f} codes a second, {vq.config.levels} levels of {vq.config.codes} codes. "
        f"Over {USE_WINDOWS} varied windows of the training people, {levels} (mean of the held-out priors).",
    )


def _code_use(folds: dict[str, PoseGenerator], clips: Sequence[PoseClip]) -> tuple[list[float], list[float]]:
    """Share of codes in use and their perplexity per level, over windows as in training, mean over folds."""
    found = []
    for person, fold in folds.items():
        windows = PoseWindows([clip for clip in clips if clip.person != person])
        heads = windows.draw(USE_WINDOWS, USE_FRAMES, np.random.default_rng(0))
        with torch.inference_mode():
            codes = fold.vq.codebooks(fold.vq.encode(torch.from_numpy(heads))).codes
        found.append(code_use(codes.flatten(0, 1).numpy(), fold.vq.config.codes))
    return [list(np.mean([item[i] for item in found], axis=0)) for i in (0, 1)]  # type: ignore[return-value]


def _retrieval_table(found: Retrieved, units: int) -> Table:
    rows = tuple((person, number(share)) for person, share in found.per_person.items())
    return Table(
        "Retrieval: a 10 s stretch of a bank person's other half finds that person first",
        ("person", "share right"),
        (*rows, ("mean of people", number(found.top1)), ("chance", number(found.chance))),
        f"{found.stretches} stretches, {units} speech units. The prior has seen these people; the matrices in the "
        "bank have not seen the stretches.",
    )


def _systems_table(scores: Sequence[SystemScore]) -> Table:
    return Table(
        "Generated against real head motion on held-out speech of unseen people (mean of people)",
        ("system", "Fréchet pose", "Fréchet speed", "diversity °", "speed °/s", "spectrum dB", "with prominence"),
        tuple(
            (
                score.name,
                number(score.mean.frechet_pose, 1),
                number(score.mean.frechet_speed, 2),
                number(score.mean.diversity),
                number(score.mean.speed, 1),
                number(score.mean.spectrum_decibel, 1),
                number(score.mean.stress),
            )
            for score in scores
        ),
        "The reference is the first 10 s (or half) of a clip, the rest is generated, five seeds. Fréchet distances "
        "are over windows of 1 s; diversity and speed should be near the real ones, correlation with stress at least.",
    )


def _nearer_table(rows: Sequence[Nearer]) -> Table:
    people = tuple((row.person, str(row.stretches), number(row.style), number(row.motion)) for row in rows)
    return Table(
        "Retrieved against random styles of the bank: share of cases in which the retrieved one is nearer",
        ("person (not in the bank)", "references", "style itself", "motion generated"),
        (
            *people,
            (
                "mean of people",
                "",
                number(float(np.mean([row.style for row in rows]))),
                number(float(np.mean([row.motion for row in rows]))),
            ),
        ),
        "Nearer by band power, spread and speed per axis (decibel), which the models do not see. Chance 0.50.",
    )


def main(argv: Sequence[str]) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation pose", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    for table in pose(parser.parse_args(argv).data).tables:
        print(f"\n{table.text()}", flush=True)
    return 0
