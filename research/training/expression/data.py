# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for the expression network: a talker's speech and motion, another stretch of the same talker as style.

Real talkers are few, so most samples are style-varied copies (research.training.style_variation); what is said and how
the style reference moves get the same parameters.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from research.corpus.tempo import retimed
from research.training.feature_bank import FacePair
from research.training.style_variation import StyleParameters, draw_parameters, vary

FEATURES_PER_FRAME = 2
PARAMETER_COUNT = len(astuple(StyleParameters()))
# groups whose talkers' own faces were filmed: the average talker is theirs
FILMED_GROUPS = ("s1", "grid")
# the group of readers that were only recorded (.pseudo_labels)
READERS = "readers"


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """``crop_frames``, ``reference_frames`` at 25 fps. shares: (group, share); talkers of a group are alike.

    varied_share: samples that are style-varied copies. style_share, identity_share: samples whose style and
    identity the network is shown. hidden_as_average: what it shall say without a style is the talker's motion with
    the average talker's mean and spread; or else as the talker, whoever it is, which only blurs. crowd_share: samples
    with a crowd behind, where there are such voices (None: every voice alike).
    """

    batch: int = 8
    crop_frames: int = 100
    reference_frames: int = 75
    shares: tuple[tuple[str, float], ...] = (("s1", 0.34), ("grid", 0.51), ("free", 0.15))
    varied_share: float = 0.5
    style_share: float = 0.5
    identity_share: float = 0.3
    hidden_as_average: bool = True
    crowd_share: float | None = None


def shares(free: float) -> tuple[tuple[str, float], ...]:
    """Shares of s1, GRID's other talkers and free speech; the first two stay two to three."""
    return (("s1", 0.4 * (1 - free)), ("grid", 0.6 * (1 - free)), ("free", free))


def with_readers(filmed: tuple[tuple[str, float], ...], share: float) -> tuple[tuple[str, float], ...]:
    """The shares of filmed people, and of readers that were only recorded the rest."""
    return (*((name, (1 - share) * own) for name, own in filmed), (READERS, share))


@dataclass(frozen=True, slots=True, eq=False)
class FaceBatch:
    """What one step learns from.

    features (B, 2 T, F), motion (B, T, 53), reference (B, R, 53), identity (B, 12) with zeros where hidden,
    shows_style (B,) 0 or 1, parameters (B, P) of the style variation (0 where nothing was varied).
    """

    features: Tensor
    motion: Tensor
    reference: Tensor
    identity: Tensor
    shows_style: Tensor
    parameters: Tensor

    def to(self, device: torch.device) -> FaceBatch:
        """On the device where the network is."""
        return FaceBatch(*(getattr(self, part.name).to(device) for part in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class TalkerStatistics:
    """mean, deviation: (53,) over all frames of a talker."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, own: list[FacePair]) -> TalkerStatistics:
        """Over all clips given."""
        motion = np.concatenate([pair.motion for pair in own])
        return cls(motion.mean(axis=0), motion.std(axis=0))

    def halfway(self, other: TalkerStatistics) -> TalkerStatistics:
        """Between this and ``other``, deviations by their ratio."""
        deviation = np.sqrt(np.maximum(self.deviation, 1e-6) * np.maximum(other.deviation, 1e-6))
        return TalkerStatistics(0.5 * (self.mean + other.mean), deviation)

    @classmethod
    def average(cls, talkers: list[TalkerStatistics]) -> TalkerStatistics:
        """Every talker counts alike, however long they spoke."""
        return cls(
            np.mean([talker.mean for talker in talkers], axis=0),
            np.mean([talker.deviation for talker in talkers], axis=0),
        )


def as_average(motion: NDArray[np.float32], own: TalkerStatistics, average: TalkerStatistics) -> NDArray[np.float32]:
    """(T, 53) of one talker with another's mean and spread, each value for itself; no value grows beyond twice."""
    gain = np.clip(average.deviation / np.maximum(own.deviation, 1e-6), 0.5, 2.0)
    moved: NDArray[np.float32] = ((motion - own.mean) * gain + average.mean).astype(np.float32)
    return moved


@dataclass(frozen=True, slots=True, eq=False)
class _Talker:
    group: str
    chance: float
    pairs: list[FacePair]
    statistics: TalkerStatistics


class FaceSource:
    """Draws crops of joined clips of one talker, at random tempo, in a random voice."""

    def __init__(self, groups: dict[str, list[FacePair]], settings: SamplingSettings) -> None:
        self._settings = settings
        self._talkers = _talkers(groups, settings)
        self._chances = np.array([talker.chance for talker in self._talkers])
        self._chances /= self._chances.sum()
        # a group of one's own people alone has an average too
        filmed = [talker for talker in self._talkers if talker.group in FILMED_GROUPS]
        self._average = TalkerStatistics.average([talker.statistics for talker in filmed or self._talkers])
        # pseudo-labels are the average talker's already, but the mean of several answers is flatter than a face
        self._talkers = [
            replace(talker, statistics=talker.statistics.halfway(self._average)) if talker.group == READERS else talker
            for talker in self._talkers
        ]

    def draw(self, rng: np.random.Generator) -> FaceBatch:
        """One batch; the same generator state gives the same batch."""
        samples = [self._sample(rng) for _ in range(self._settings.batch)]
        stacked = [torch.from_numpy(np.stack(column).astype(np.float32)) for column in zip(*samples, strict=True)]
        return FaceBatch(*stacked)

    def _sample(self, rng: np.random.Generator) -> tuple[NDArray[np.generic], ...]:
        settings = self._settings
        talker = self._talkers[rng.choice(len(self._talkers), p=self._chances)]
        tempo, frames = rng.uniform(0.85, 1.2), settings.crop_frames
        needed = int(np.ceil(frames * tempo)) + 2
        features, motion, identity = _stretch(talker.pairs, needed, rng, settings.crowd_share)
        _, reference, _ = _stretch(talker.pairs, settings.reference_frames, rng, settings.crowd_share)
        parameters = draw_parameters(rng) if rng.random() < settings.varied_share else StyleParameters()
        shown = rng.random() < settings.identity_share
        shows_style = rng.random() < settings.style_share
        spoken = retimed(motion, frames, tempo, precision=np.float64)
        if shows_style or not settings.hidden_as_average:
            spoken = vary(spoken, parameters)
        else:
            spoken = as_average(spoken, talker.statistics, self._average)
        return (
            retimed(features, frames * FEATURES_PER_FRAME, tempo, precision=np.float64),
            spoken,
            vary(reference, parameters),
            identity * shown,
            np.array(shows_style),
            parameter_vector(parameters),
        )


def _talkers(groups: dict[str, list[FacePair]], settings: SamplingSettings) -> list[_Talker]:
    """Every talker of the groups that are there, with the chance to be drawn."""
    talkers = []
    for name, share in settings.shares:
        own: dict[str, list[FacePair]] = {}
        for pair in groups.get(name, []):
            own.setdefault(pair.person, []).append(pair)
        talkers += [_Talker(name, share / len(own), pairs, TalkerStatistics.of(pairs)) for pairs in own.values()]
    return talkers


def parameter_vector(parameters: StyleParameters) -> NDArray[np.float32]:
    """(P,) of about unit size: logarithms of the gains, offsets in units of their usual spread."""
    fields = StyleParameters.__slots__  # type: ignore[attr-defined]
    values = [
        np.log(max(getattr(parameters, name), 1e-3)) / 0.3
        if name.endswith(("_gain", "_share"))
        else getattr(parameters, name) / 0.1
        for name in fields
    ]
    return np.array(values, np.float32)


def _voice(pair: FacePair, rng: np.random.Generator, crowd_share: float | None) -> NDArray[np.float16]:
    """(2 T, F) of one of the clip's voices."""
    if crowd_share is None or pair.crowded == 0:
        return pair.features[rng.integers(len(pair.features))]
    alone = len(pair.features) - pair.crowded
    if rng.random() < crowd_share:
        return pair.features[alone + rng.integers(pair.crowded)]
    return pair.features[rng.integers(alone)]


def _stretch(
    own: list[FacePair], frames: int, rng: np.random.Generator, crowd_share: float | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """``frames`` of one talker's joined clips, the features in one voice, from a random moment on."""
    features, motion, total = [], [], 0
    identity = own[0].identity
    while total < frames + 10:
        pair = own[rng.integers(len(own))]
        voice = _voice(pair, rng, crowd_share)
        # a long recording gives one piece, short ones are joined
        first = int(rng.integers(max(len(pair.motion) - frames - 10, 0) + 1)) if total == 0 else 0
        count = min(len(pair.motion) - first, frames + 10)
        motion.append(pair.motion[first : first + count])
        features.append(voice[FEATURES_PER_FRAME * first : FEATURES_PER_FRAME * (first + count)])
        identity = pair.identity
        total += count
    start = int(rng.integers(total - frames + 1))
    joined, moved = np.concatenate(features), np.concatenate(motion)
    return (
        joined[FEATURES_PER_FRAME * start : FEATURES_PER_FRAME * (start + frames)].astype(np.float32),
        moved[start : start + frames],
        identity,
    )
