# SPDX-License-Identifier: GPL-3.0-or-later
"""A speech encoder that remembers its last answers, for networks that encode the same speech in turn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import Speech
from .encoder import ClosureDetector, SpeechEncoder

# a reference's sound and the speech; ten minutes of features are some 16 MB
REMEMBERED_SPEECHES = 2


class MemoisedEncoder:
    """:class:`SpeechEncoder` around another one; the features that it returns are read-only."""

    def __init__(self, encoder: SpeechEncoder) -> None:
        self._encoder = encoder
        self._features: dict[str, NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        """As the inner encoder's."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """Features per frame."""
        return self._encoder.dimension

    @property
    def hash(self) -> str:
        """As the inner encoder's: the features are the same."""
        return self._encoder.hash

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, dimension) features, N = ceil(seconds * 50); computed once for the last two speeches."""
        key = speech.hash
        features = self._features.pop(key, None)
        if features is None:
            features = self._encoder.encode(speech)
            features.flags.writeable = False
        self._features[key] = features
        while len(self._features) > REMEMBERED_SPEECHES:
            del self._features[next(iter(self._features))]
        return features


class MemoisedDetector(MemoisedEncoder):
    """The same around an encoder that is a :class:`ClosureDetector` too."""

    def __init__(self, encoder: SpeechEncoder, detector: ClosureDetector) -> None:
        super().__init__(encoder)
        self._detector = detector

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) probability of m, b or p, from (N, dimension) features."""
        return self._detector.closure(features)


def memoised(encoder: SpeechEncoder) -> SpeechEncoder:
    """The encoder with a memory; it detects closures where ``encoder`` does."""
    return MemoisedDetector(encoder, encoder) if isinstance(encoder, ClosureDetector) else MemoisedEncoder(encoder)
