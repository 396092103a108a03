# SPDX-License-Identifier: GPL-3.0-or-later
"""What every speech encoder offers: feature frames at 50 Hz, their size, and a name that models record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import Speech

ENCODER_FPS = 50


class SpeechEncoder(Protocol):
    """Speech to frames; frame i describes the sound around i / 50 seconds."""

    @property
    def name(self) -> str:
        """Short stable name, recorded by models trained on the features."""

    @property
    def dimension(self) -> int:
        """Features per frame."""

    @property
    def hash(self) -> str:
        """Fingerprint of everything the features depend on."""

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, dimension) features, N = ceil(seconds * 50)."""


@runtime_checkable
class ClosureDetector(Protocol):
    """An encoder whose features say when the lips are shut."""

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, dimension) features to (N,) probability of m, b or p."""


@runtime_checkable
class TogetherEncoder(Protocol):
    """An encoder that takes several speeches in one pass."""

    def encode_together(self, speeches: Sequence[Speech]) -> list[NDArray[np.float32]]:
        """As ``encode`` for each."""
