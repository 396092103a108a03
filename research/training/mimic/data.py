# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for Mimic: speech and motion of a talker, another stretch of the same talker, and who that is.

Identities are (face, manner): each face as it is, and as a fixed list of style-varied copies. A face that was re-timed
to other voices stays the face it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from research.training.expression.data import (
    FILMED_GROUPS,
    FaceSource,
    SamplingSettings,
    TalkerStatistics,
    as_average,
)
from research.training.feature_bank import FacePair
from research.training.style_variation import StyleParameters, draw_parameters, vary


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """manners: style-varied copies of each face, drawn once by ``seed``. varied_share: samples that are copies.

    amount: how far manners lie apart, beside real people: too far rather than too near, or an unseen one lies outside.
    """

    manners: int = 96
    amount: float = 1.4
    varied_share: float = 0.7
    seed: int = 20261121


@dataclass(frozen=True, slots=True, eq=False)
class MimicBatch:
    """features (B, 2 T, F), motion (B, T, 53), voice (B,) heard, identity (B,) seen.

    reference (B, R, 53), heard (B, 2 R, F): another stretch of the same identity and what it says.
    average (B, T, 53): the same words with the average talker's mean and spread, for the mean code.
    """

    features: Tensor
    motion: Tensor
    average: Tensor
    reference: Tensor
    heard: Tensor
    identity: Tensor
    voice: Tensor

    def to(self, device: torch.device) -> MimicBatch:
        """On the device where the network is."""
        return MimicBatch(*(getattr(self, part.name).to(device) for part in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class _Talker:
    """One person of one group: how often they are drawn, whose face and voice it is, and their clips."""

    group: str
    chance: float
    face: int
    voice: int
    source: FaceSource
    statistics: TalkerStatistics


class MimicSource:
    """Draws batches; identity ``face * (1 + manners) + manner``, manner 0 being the face as it was tracked."""

    def __init__(
        self, groups: dict[str, list[FacePair]], sampling: SamplingSettings, identities: IdentitySettings
    ) -> None:
        self._batch = sampling.batch
        self._identities = identities
        self._talkers = list(_talkers(groups, sampling))
        self._chances = np.array([talker.chance for talker in self._talkers])
        filmed = [talker.statistics for talker in self._talkers if talker.group in FILMED_GROUPS]
        self._average = TalkerStatistics.average(filmed or [talker.statistics for talker in self._talkers])
        self.voices = 1 + max(talker.voice for talker in self._talkers)
        self.faces = 1 + max(talker.face for talker in self._talkers)
        self._manners = [_manners(face, identities) for face in range(self.faces)]

    @property
    def identities(self) -> int:
        """How many there are."""
        return self.faces * (1 + self._identities.manners)

    def draw(self, rng: np.random.Generator) -> MimicBatch:
        """One batch; the same generator state gives the same batch."""
        samples = [self._sample(rng) for _ in range(self._batch)]
        return MimicBatch(
            **{part.name: torch.cat([getattr(sample, part.name) for sample in samples]) for part in fields(MimicBatch)}
        )

    def _sample(self, rng: np.random.Generator) -> MimicBatch:
        """A batch of one."""
        talker = self._talkers[rng.choice(len(self._talkers), p=self._chances / self._chances.sum())]
        plain, reference = talker.source.draw(rng), talker.source.draw(rng)
        varied = self._identities.manners > 0 and rng.random() < self._identities.varied_share
        manner = 1 + int(rng.integers(self._identities.manners)) if varied else 0
        parameters = self._manners[talker.face][manner]
        spoken = plain.motion[0].numpy()
        return MimicBatch(
            features=plain.features,
            motion=torch.from_numpy(vary(spoken, parameters))[None],
            average=torch.from_numpy(as_average(spoken, talker.statistics, self._average))[None],
            reference=torch.from_numpy(vary(reference.motion[0].numpy(), parameters))[None],
            heard=reference.features,
            identity=torch.tensor([talker.face * (1 + self._identities.manners) + manner]),
            voice=torch.tensor([talker.voice]),
        )


def _talkers(groups: dict[str, list[FacePair]], sampling: SamplingSettings) -> list[_Talker]:
    present = [(name, share) for name, share in sampling.shares if groups.get(name)]
    total = sum(share for _, share in present)
    # the source itself varies and hides nothing: that is decided here, where the manner has a number
    plain = replace(sampling, batch=1, varied_share=0.0, style_share=1.0, identity_share=0.0)
    faces: dict[str, int] = {}
    voices: dict[str, int] = {}
    talkers = []
    for name, share in present:
        people = _by_person(groups[name])
        for person, own in people.items():
            face = faces.setdefault(person, len(faces))
            voice = voices.setdefault(person, len(voices))
            source = FaceSource({name: own}, plain)
            talkers.append(_Talker(name, share / total / len(people), face, voice, source, TalkerStatistics.of(own)))
    return talkers


def _by_person(pairs: list[FacePair]) -> dict[str, list[FacePair]]:
    people: dict[str, list[FacePair]] = {}
    for pair in pairs:
        people.setdefault(pair.person, []).append(pair)
    return people


def _manners(face: int, settings: IdentitySettings) -> list[StyleParameters]:
    rng = np.random.default_rng([settings.seed, face])
    return [StyleParameters(), *(draw_parameters(rng, settings.amount) for _ in range(settings.manners))]
