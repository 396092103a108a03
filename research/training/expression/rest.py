# SPDX-License-Identifier: GPL-3.0-or-later
"""What the face does while nobody speaks: silence, room noise and music as training samples with a resting face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.models.speech.encoder import SpeechEncoder
from research.training.expression.data import FaceBatch

SECONDS = 12
NOISES = 4
PIECES = 6
# samples of a batch that are replaced
SHARE = 1 / 10


class RestSource:
    """Draws stretches of an encoder's features of sounds in which nobody speaks."""

    def __init__(self, encoder: SpeechEncoder, seed: int = 20261126) -> None:
        rng = np.random.default_rng(seed)
        sounds = [np.zeros(SECONDS * SAMPLE_RATE)]
        sounds += [rng.normal(size=SECONDS * SAMPLE_RATE) * 10 ** rng.uniform(-4, -1.5) for _ in range(NOISES)]
        sounds += [music(rng) for _ in range(PIECES)]
        self._features = [encoder.encode(Speech(sound.astype(np.float32), "nobody speaks")) for sound in sounds]

    def mixed_in(self, batch: FaceBatch, rng: np.random.Generator) -> FaceBatch:
        """The batch with some of its samples replaced by rest."""
        features, motion = batch.features.clone(), batch.motion.clone()
        for index in np.flatnonzero(rng.random(len(features)) < SHARE):
            own = self._features[rng.integers(len(self._features))]
            first = int(rng.integers(len(own) - features.shape[1] + 1))
            features[index] = torch.from_numpy(own[first : first + features.shape[1]])
            motion[index] = 0.0
        return replace(batch, features=features, motion=motion)


def music(rng: np.random.Generator) -> NDArray[np.float64]:
    """(N,) struck or held chords of random notes with overtones, ``SECONDS`` long."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    sound, start = np.zeros(len(time)), 0.0
    while start < SECONDS:
        length = rng.uniform(0.2, 1.2)
        since = time - start
        played = (since >= 0) & (since < length + 0.5)
        fade = np.exp(-rng.uniform(0.0, 5.0) * np.maximum(since, 0)) * played
        for hertz in 80.0 * 2 ** rng.uniform(0, 3.5, int(rng.integers(1, 5))):
            overtones = range(1, int(rng.integers(3, 12)))
            sound += fade * sum(np.sin(2 * np.pi * hertz * k * time) / k ** rng.uniform(1, 2) for k in overtones)
        start += length
    return np.asarray(10 ** rng.uniform(-1.5, -0.3) * sound / np.abs(sound).max())
