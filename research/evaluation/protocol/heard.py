# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder hears of the scored clips, on disk: many networks speak the same clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.models.speech.encoder import ClosureDetector, SpeechEncoder
from research.training.feature_bank import CACHE_ROOT, keep


@dataclass(frozen=True, slots=True, eq=False)
class HeardEncoder:
    """:class:`SpeechEncoder` and :class:`ClosureDetector` around one of ours; features are kept in build/features."""

    encoder: SpeechEncoder

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def dimension(self) -> int:
        return self.encoder.dimension

    @property
    def hash(self) -> str:
        return self.encoder.hash

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        path = CACHE_ROOT / f"heard-{self.encoder.hash[:12]}-{speech.hash[:16]}.npy"
        if not path.is_file():
            keep(path, self.encoder.encode(speech))
        features: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return features

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        if not isinstance(self.encoder, ClosureDetector):
            return np.zeros(len(features), np.float32)
        return self.encoder.closure(features)
