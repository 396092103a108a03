# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips from bad sound: the same scores with the speech of unseen people degraded in known ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.errors import SettingsError
from core.face.basis import open_basis
from research.corpus.clips import Clip, free_scoring_clips, heldout_clips, load_tracked
from research.evaluation import degrade
from research.evaluation.accuracy import Generate, GroupScore, TruthClip, score, summarise, truth
from research.evaluation.report import SEED
from research.evaluation.sections import our_generator
from research.evaluation.tables import Section, Table, number

Samples = NDArray[np.float32]
RT60_SECONDS = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What a condition may draw on: other held-out people's voices, and chance that is its own."""

    voices: Sequence[Samples]
    rng: np.random.Generator


Degrade = Callable[[Samples, Surroundings], Samples]


@dataclass(frozen=True, slots=True)
class ConditionScore:
    """A group's medians under one condition."""

    condition: str
    score: GroupScore


def _babble(snr_db: float) -> Degrade:
    return lambda s, around: degrade.add_noise(s, degrade.babble(around.voices, len(s), around.rng), snr_db)


def _pink(snr_db: float) -> Degrade:
    return lambda s, around: degrade.add_noise(s, degrade.pink_noise(len(s), around.rng), snr_db)


CONDITIONS: dict[str, Degrade] = {
    "clean": lambda s, around: s,
    "babble, 10 dB": _babble(10.0),
    "babble, 0 dB": _babble(0.0),
    "pink noise, 10 dB": _pink(10.0),
    "pink noise, 0 dB": _pink(0.0),
    "telephone, 300-3400 Hz": lambda s, around: degrade.telephone(s),
    "quiet, -30 dB, 16 bits": lambda s, around: degrade.quiet(s),
    "clipped, 20 dB over": lambda s, around: degrade.clipped(s),
    "MP3, 32 kb/s": lambda s, around: degrade.mp3(s),
    f"room, RT60 {RT60_SECONDS} s": lambda s, around: degrade.reverberant(s, RT60_SECONDS, around.rng),
}


def robustness(data: Path) -> Section:
    """Every condition on GRID's unseen people and on free speech."""
    groups = robustness_groups(data)
    voices = person_voices(groups)
    rows = {name: measure_conditions(name, clips, voices, our_generator()) for name, clips in groups.items()}
    tables = tuple(_table(name, scores) for name, scores in rows.items())
    stored = {
        name: [{"condition": row.condition, **dataclasses.asdict(row.score)} for row in scores]
        for name, scores in rows.items()
    }
    return Section("robustness", tables, stored)


def robustness_groups(data: Path) -> dict[str, list[Clip]]:
    """Named clips of people no model has seen."""
    groups = {
        "GRID, unseen people": heldout_clips(data),
        "free speech, unseen people": free_scoring_clips(data),
    }
    return {name: clips for name, clips in groups.items() if clips}


def person_voices(groups: dict[str, list[Clip]]) -> dict[str, Samples]:
    """One clip's sound of each person, for babble."""
    first = {clip.person: clip for clips in groups.values() for clip in reversed(clips)}
    if len(first) < 2:
        raise SettingsError("Babble needs two held-out people or more.", "Pass --data with the whole data folder.")
    return {person: load_tracked(clip).speech.samples for person, clip in sorted(first.items())}


def measure_conditions(
    name: str, clips: list[Clip], voices: dict[str, Samples], generate: Generate
) -> list[ConditionScore]:
    """Medians over ``clips`` under every condition; the truth is the tracked face of the clean clip."""
    basis = open_basis()
    truths = [truth(clip, basis) for clip in clips]
    rows = []
    for condition, change in CONDITIONS.items():
        scores = []
        for index, item in enumerate(truths):
            others = [voice for person, voice in voices.items() if person != item.clip.person]
            # a seed per clip, the same in every condition: rows differ by what is done, not by luck
            heard = _heard(item, change, Surroundings(others, np.random.default_rng([SEED, index])))
            scores.append(score(item, basis.displacement(generate(heard)), basis))
        rows.append(ConditionScore(condition, summarise(name, clips, scores)))
    return rows


def _heard(item: TruthClip, change: Degrade, around: Surroundings) -> Speech:
    return Speech(change(item.speech.samples, around), item.speech.source)


def _table(name: str, rows: Sequence[ConditionScore]) -> Table:
    clean = rows[0].score
    return Table(
        f"{name}: lips from degraded sound, median over clips (clips: {clean.clips}, people: {clean.people})",
        ("sound", "corr", "against clean", "lag", "error mm", "constant mm", "ratio", "amplitude"),
        tuple(
            (
                row.condition,
                number(row.score.correlation, 3),
                number(row.score.correlation - clean.correlation, 3, sign=True),
                number(row.score.lag_frames, 2, sign=True),
                number(row.score.lip_error_mm),
                number(row.score.constant_error_mm),
                number(row.score.lip_error_mm / row.score.constant_error_mm),
                number(row.score.amplitude_ratio),
            )
            for row in rows
        ),
        "Noise levels are ratios of mean power, pauses included; babble is six other held-out voices at once. "
        "research/evaluation/degrade.py says what each row does.",
    )
