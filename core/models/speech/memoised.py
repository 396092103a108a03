# SPDX-License-Identifier: GPL-3.0-or-later
"""A speech encoder that remembers its last answers, for networks that encode the same speech in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import Speech
from .encoder import ClosureDetector, SpeechEncoder, TogetherEncoder

# a reference's sound and the speech; ten minutes of features are some 16 MB
REMEMBERED_SPEECHES = 2


class MemoisedEncoder:
    """:class:`SpeechEncoder` around another one; the features that it returns are read-only."""

    def __init__(self, encoder: SpeechEncoder) -> None:
        self._encoder = encoder
        self._features: dict[str, NDArray[np.float32]] = {}
        self._kept = REMEMBERED_SPEECHES

    @property
    def name(self) -> str:
        """As the inner encoder's."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """Features per frame."""
        return self._encoder.dimension

    @property
    def ends_with_prosody(self) -> bool:
        """Whether the last values of a frame are its prosody."""
        return bool(getattr(self._encoder, "ends_with_prosody", False))

    @property
    def companion(self) -> SpeechEncoder | None:
        """An encoder that the inner one uses as well, for others who want it."""
        found: SpeechEncoder | None = getattr(self._encoder, "companion", None)
        return found

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
        while len(self._features) > self._kept:
            del self._features[next(iter(self._features))]
        return features

    def encode_ahead(self, speeches: Sequence[Speech]) -> None:
        """Encode many speeches together where that is possible, and remember them until the next such call."""
        self._features.clear()
        self._kept = max(len(speeches), REMEMBERED_SPEECHES)
        if isinstance(self._encoder, TogetherEncoder):
            for speech, features in zip(speeches, self._encoder.encode_together(speeches), strict=True):
                features.flags.writeable = False
                self._features[speech.hash] = features


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
