# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems that move a head to speech, and how each does on a person whom its prior has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.motion import INTERNAL_FPS
from core.models.pose.generate import PoseGenerator
from core.models.pose.reference_motion import extend_head_motion
from core.models.pose.speech_steps import SpeechFeatures
from core.pose.bank import BankEntry
from core.pose.reference import PoseReference
from core.settings import HeadSettings
from research.evaluation.pose.metrics import PoseComparison, compare_pose, manner, manner_distance
from research.training.pose.data import PoseClip, cut
from research.training.pose.styles import make_styles

REFERENCE_SECONDS = 10.0
SEEDS = 5
RANDOM_STYLES = 5
MIXED = 4
Head = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SystemScore:
    """mean: over people; people: each one's."""

    name: str
    mean: PoseComparison
    people: dict[str, PoseComparison]


@dataclass(frozen=True, slots=True)
class Nearer:
    """Share of (reference, other style) pairs in which the retrieved style is nearer to the person.

    style: by the heads behind the bank's entries. motion: by what is generated with them on the rest of the speech.
    """

    person: str
    stretches: int
    style: float
    motion: float


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A reference of one person, and what of them is to be generated."""

    reference: PoseClip
    rest: PoseClip


def trials_of(clips: Sequence[PoseClip], person: str) -> list[Trial]:
    """One per clip: the first 10 s, or half of a shorter clip, against what follows."""
    found = []
    for clip in (clip for clip in clips if clip.person == person):
        frames = min(round(REFERENCE_SECONDS * INTERNAL_FPS), len(clip.head) // 2)
        found.append(Trial(_rested(cut(clip, 0, frames)), cut(clip, frames, len(clip.head))))
    return found


def _rested(clip: PoseClip) -> PoseClip:
    """With the head relative to this part's own mean: all that a reference knows."""
    return dataclasses.replace(clip, head=clip.head - clip.head.mean(axis=0))


class HeadSystems:
    """Everything that is compared, for one person's prior."""

    def __init__(self, generator: PoseGenerator, clips: Sequence[PoseClip], person: str) -> None:
        self._generator = generator
        others = [clip for clip in clips if clip.person != person]
        self._heads = {style.name: [clip.head for clip in style.clips] for style in make_styles(others)}

    @property
    def entries(self) -> tuple[BankEntry, ...]:
        """Of the bank without the person."""
        return self._generator.bank.entries

    def heads_of(self, name: str) -> list[Head]:
        """The heads behind a bank entry."""
        return self._heads[name]

    def retrieved(self, reference: PoseClip) -> str:
        """Name of the nearest entry."""
        matrix = self._generator.matrix(reference.heard, reference.head)
        return self._generator.bank.retrieve(matrix).neighbours[0].name

    def styled(self, heard: SpeechFeatures, entry: BankEntry, seed: int) -> Head:
        """Generated in the style of one entry."""
        alone = self._generator.with_bank(dataclasses.replace(self._generator.bank, entries=(entry,)))
        reference = PoseReference(np.zeros((1, 3), np.float32), entry.matrix)
        return alone.generate(heard, reference, HeadSettings(seed=seed)).head

    def systems(self) -> dict[str, Callable[[Trial, int], Head]]:
        """By name: a trial and a seed to a head for the rest's speech."""
        return {
            "real head": lambda trial, seed: trial.rest.head,
            "still head": lambda trial, seed: np.zeros_like(trial.rest.head),
            "average person, no retrieval": self._average,
            "reference looped": lambda trial, seed: extend_head_motion(
                trial.reference.head, len(trial.rest.head), seed
            ),
            "retrieved clip looped": self._looped,
            "random style of the bank": self._random,
            "retrieved style (k = 1)": lambda trial, seed: self._generated(trial, HeadSettings(seed=seed)),
            f"retrieved styles mixed (k = {MIXED})": lambda trial, seed: self._generated(
                trial, HeadSettings(seed=seed, neighbours=MIXED)
            ),
            "reference added to the bank": self._added,
        }

    def _matrix(self, reference: PoseClip) -> PoseReference:
        return PoseReference(reference.head, self._generator.matrix(reference.heard, reference.head))

    def _average(self, trial: Trial, seed: int) -> Head:
        return self._generator.generate(trial.rest.heard, None, HeadSettings(seed=seed)).head

    def _generated(self, trial: Trial, settings: HeadSettings) -> Head:
        return self._generator.generate(trial.rest.heard, self._matrix(trial.reference), settings).head

    def _looped(self, trial: Trial, seed: int) -> Head:
        heads = self.heads_of(self.retrieved(trial.reference))
        return extend_head_motion(heads[seed % len(heads)], len(trial.rest.head), seed)

    def _random(self, trial: Trial, seed: int) -> Head:
        entry = self.entries[np.random.default_rng(seed).integers(len(self.entries))]
        return self.styled(trial.rest.heard, entry, seed)

    def _added(self, trial: Trial, seed: int) -> Head:
        pairs = [(trial.reference.heard, trial.reference.head)]
        entry = self._generator.describe("the reference", "", pairs, "")
        return self.styled(trial.rest.heard, entry, seed)


def held_out_scores(folds: Mapping[str, PoseGenerator], clips: Sequence[PoseClip]) -> list[SystemScore]:
    """Every system on every held-out person."""
    people: dict[str, dict[str, PoseComparison]] = {}
    for person, generator in folds.items():
        trials = trials_of(clips, person)
        real = [trial.rest.head for trial in trials]
        for name, system in HeadSystems(generator, clips, person).systems().items():
            heads = [system(trial, seed)[: len(trial.rest.head)] for seed in range(SEEDS) for trial in trials]
            loudness = [trial.rest.heard.loudness for _ in range(SEEDS) for trial in trials]
            people.setdefault(name, {})[person] = compare_pose(real, heads, loudness)
    return [SystemScore(name, _mean(list(own.values())), own) for name, own in people.items()]


def nearer_shares(folds: Mapping[str, PoseGenerator], clips: Sequence[PoseClip]) -> list[Nearer]:
    """Retrieved against random styles for every held-out person."""
    return [_nearer(person, generator, clips) for person, generator in folds.items()]


def _nearer(person: str, generator: PoseGenerator, clips: Sequence[PoseClip]) -> Nearer:
    systems = HeadSystems(generator, clips, person)
    own = [clip for clip in clips if clip.person == person]
    manners = {entry.name: manner(systems.heads_of(entry.name)) for entry in systems.entries}
    style: list[float] = []
    references = [stretch for clip in own for stretch in _stretches(clip)]
    truth = manner([clip.head for clip in own])
    for reference in references:
        distance = {name: manner_distance(truth, other) for name, other in manners.items()}
        taken = distance.pop(systems.retrieved(reference))
        style.append(float(np.mean([taken < other for other in distance.values()])))
    motion = [_generated_nearer(trial, systems, seed) for trial in trials_of(clips, person) for seed in range(SEEDS)]
    return Nearer(person, len(references), float(np.mean(style)), float(np.mean(motion)))


def _generated_nearer(trial: Trial, systems: HeadSystems, seed: int) -> float:
    """Share of random styles whose motion is further from the real head's manner than the retrieved style's."""
    by_name = {entry.name: entry for entry in systems.entries}
    truth = manner([trial.rest.head])

    def distance(entry: BankEntry) -> float:
        return manner_distance(truth, manner([systems.styled(trial.rest.heard, entry, seed)]))

    name = systems.retrieved(trial.reference)
    others = [entry for entry in systems.entries if entry.name != name]
    chosen = np.random.default_rng(seed).choice(len(others), RANDOM_STYLES, replace=False)
    taken = distance(by_name[name])
    return float(np.mean([taken < distance(others[index]) for index in chosen]))


def _stretches(clip: PoseClip) -> list[PoseClip]:
    """References of 10 s, a new one every 5 s; a shorter clip is one."""
    frames = min(round(REFERENCE_SECONDS * INTERNAL_FPS), len(clip.head))
    starts = range(0, len(clip.head) - frames + 1, max(frames // 2, 1))
    return [_rested(cut(clip, first, first + frames)) for first in starts]


def _mean(scores: Sequence[PoseComparison]) -> PoseComparison:
    names = [item.name for item in dataclasses.fields(PoseComparison)]
    return PoseComparison(**{name: float(np.mean([getattr(score, name) for score in scores])) for name in names})
