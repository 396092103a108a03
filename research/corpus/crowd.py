# SPDX-License-Identifier: GPL-3.0-or-later
"""Six other voices at once behind a recording: what faces learn to speak through.

The voices are LibriSpeech's training speakers; nobody who is scored is among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from research.corpus.speech import aligned_utterances, is_heldout

VOICES = 6
LIBRISPEECH_EVERY = 4
_SILENT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """(N,) samples at 16 kHz of each voice, of unit power."""

    voices: tuple[NDArray[np.float32], ...]

    @classmethod
    def of_readers(cls, data: Path) -> Crowd:
        """Every fourth LibriSpeech recording of speakers that are trained on."""
        chosen = [u for u in aligned_utterances(data) if u.corpus == "librispeech" and not is_heldout(u)]
        return cls(tuple(_unit(utterance.load().samples) for utterance in chosen[::LIBRISPEECH_EVERY]))

    def behind(self, samples: NDArray[np.float32], decibel: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """``samples`` with six voices, together ``decibel`` under its mean power, pauses included."""
        total = np.zeros(len(samples))
        for index in rng.choice(len(self.voices), VOICES, replace=len(self.voices) < VOICES):
            own = self.voices[int(index)]
            first = int(rng.integers(len(own)))
            total += own[(first + np.arange(len(samples))) % len(own)]
        power = float(np.square(samples, dtype=np.float64).mean())
        gain = np.sqrt(power / 10 ** (decibel / 10))
        return (samples + gain * _unit(total)).astype(np.float32)


def _unit(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    power = float(np.square(samples, dtype=np.float64).mean()) if len(samples) else 0.0
    return (samples / np.sqrt(max(power, _SILENT))).astype(np.float32)
