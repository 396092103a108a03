# SPDX-License-Identifier: GPL-3.0-or-later
"""Other voices at once behind a recording: what is learnt to be heard through.

The voices are LibriSpeech's training speakers; nobody who is scored is among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from research.corpus.speech import Utterance, aligned_utterances, is_heldout

VOICES = 6
LIBRISPEECH_EVERY = 4
_SILENT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """(N,) samples at 16 kHz of each voice, of unit power."""

    voices: tuple[NDArray[np.float32], ...]

    @classmethod
    def of_readers(cls, data: Path) -> Self:
        """Every fourth LibriSpeech recording of speakers that are trained on."""
        return cls.of_recordings(readers(data))

    @classmethod
    def of_recordings(cls, chosen: Sequence[Utterance]) -> Self:
        """Of these, each one voice."""
        return cls(tuple(_unit(utterance.load().samples) for utterance in chosen))

    def behind(
        self, samples: NDArray[np.float32], decibel: float, rng: np.random.Generator, count: int = VOICES
    ) -> NDArray[np.float32]:
        """``samples`` with ``count`` voices, together ``decibel`` under its mean power, pauses included."""
        total = np.zeros(len(samples))
        for index in rng.choice(len(self.voices), count, replace=len(self.voices) < count):
            own = self.voices[int(index)]
            first = int(rng.integers(len(own)))
            total += own[(first + np.arange(len(samples))) % len(own)]
        return added(samples, total, decibel)


def readers(data: Path) -> list[Utterance]:
    """The recordings of a crowd."""
    chosen = [u for u in aligned_utterances(data) if u.corpus == "librispeech" and not is_heldout(u)]
    return chosen[::LIBRISPEECH_EVERY]


def unheard_readers(data: Path) -> list[Utterance]:
    """Every third of them: only scored with."""
    return readers(data)[::3]


def heard_readers(data: Path) -> list[Utterance]:
    """The others, of which crowds for training are made."""
    return [utterance for k, utterance in enumerate(readers(data)) if k % 3]


def added(samples: NDArray[np.float32], other: NDArray[np.floating], decibel: float) -> NDArray[np.float32]:
    """``samples`` with another sound of its length, ``decibel`` under its mean power."""
    power = float(np.square(samples, dtype=np.float64).mean())
    return (samples + np.sqrt(power / 10 ** (decibel / 10)) * _unit(other)).astype(np.float32)


def _unit(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    power = float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0
    return (samples / np.sqrt(max(power, _SILENT))).astype(np.float32)
