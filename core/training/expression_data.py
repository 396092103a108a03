# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for the expression network: a talker's speech and motion, another stretch of the same talker as style.

Real talkers are few, so most samples are style-varied copies (core.training.style_variation); what is said and how
the style reference moves get the same parameters.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .feature_bank import FacePair
from .style_variation import StyleParameters, draw_parameters, vary

FEATURES_PER_FRAME = 2
PARAMETER_COUNT = len(astuple(StyleParameters()))


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """``crop_frames``, ``reference_frames`` at 25 fps. shares: (group, share); talkers of a group are alike.

    varied_share: samples that are style-varied copies. style_share, identity_share: samples whose style and
    identity the network is shown; it speaks as the average of all talkers without.
    """

    batch: int = 16
    crop_frames: int = 100
    reference_frames: int = 75
    shares: tuple[tuple[str, float], ...] = (("s1", 0.25), ("grid", 0.4), ("facegood", 0.1), ("retimed", 0.25))
    varied_share: float = 0.5
    style_share: float = 0.5
    identity_share: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class FaceBatch:
    """features (B, 2 T, F), motion (B, T, 53), reference (B, R, 53), identity (B, 12) with zeros where hidden,

    shows_style (B,) 0 or 1, parameters (B, P) of the style variation (0 where nothing was varied), known (B,) 1 for
    talkers whose face really said these words (a re-timed face did not).
    """

    features: Tensor
    motion: Tensor
    reference: Tensor
    identity: Tensor
    shows_style: Tensor
    parameters: Tensor


class FaceSource:
    """Draws crops of joined clips of one talker, at random tempo, in a random voice."""

    def __init__(self, groups: dict[str, list[FacePair]], settings: SamplingSettings) -> None:
        self._settings = settings
        self._people: list[tuple[float, list[FacePair]]] = []
        present = [(name, share) for name, share in settings.shares if groups.get(name)]
        total = sum(share for _, share in present)
        for name, share in present:
            talkers: dict[str, list[FacePair]] = {}
            for pair in groups[name]:
                talkers.setdefault(pair.person, []).append(pair)
            self._people += [(share / total / len(talkers), own) for own in talkers.values()]
        self._chances = np.array([chance for chance, _ in self._people])

    def draw(self, rng: np.random.Generator) -> FaceBatch:
        """One batch; the same generator state gives the same batch."""
        samples = [self._sample(rng) for _ in range(self._settings.batch)]
        stacked = [torch.from_numpy(np.stack(column).astype(np.float32)) for column in zip(*samples, strict=True)]
        return FaceBatch(*stacked)

    def _sample(self, rng: np.random.Generator) -> tuple[NDArray[np.generic], ...]:
        settings = self._settings
        own = self._people[rng.choice(len(self._people), p=self._chances / self._chances.sum())][1]
        tempo, frames = rng.uniform(0.85, 1.2), settings.crop_frames
        needed = int(np.ceil(frames * tempo)) + 2
        features, motion, identity = _stretch(own, needed, rng)
        _, reference, _ = _stretch(own, settings.reference_frames, rng)
        parameters = draw_parameters(rng) if rng.random() < settings.varied_share else StyleParameters()
        shown = identity * (rng.random() < settings.identity_share)
        return (
            retimed(features, frames * FEATURES_PER_FRAME, tempo),
            vary(retimed(motion, frames, tempo), parameters),
            vary(reference, parameters),
            shown,
            np.array(rng.random() < settings.style_share),
            parameter_vector(parameters),
        )


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


def _stretch(
    own: list[FacePair], frames: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """``frames`` of one talker's joined clips, the features in one voice, from a random moment on."""
    features, motion, total = [], [], 0
    identity = own[0].identity
    while total < frames + 10:
        pair = own[rng.integers(len(own))]
        voice = pair.features[rng.integers(len(pair.features))]
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


def retimed(values: NDArray[np.floating], count: int, tempo: float) -> NDArray[np.float32]:
    """(N, F) at another tempo: ``count`` rows, linear between the source's."""
    position = np.arange(count) * tempo
    low = position.astype(int)
    blend = (position - low)[:, None]
    return ((1 - blend) * values[low] + blend * values[low + 1]).astype(np.float32)
