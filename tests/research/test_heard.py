# SPDX-License-Identifier: GPL-3.0-or-later
"""What an encoder hears of scored clips is kept: another network that speaks them does not hear them again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.models.speech.encoder import ClosureDetector
from research.evaluation.protocol import heard
from research.evaluation.protocol.heard import HeardEncoder


class Counting:
    """An encoder that tells how often it was asked."""

    name, dimension, hash = "counting", 3, "c" * 64

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        self.asked += 1
        return np.full((len(speech.samples) // 320, 3), speech.samples[0], np.float32)

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features[:, 0]


def test_every_sound_is_heard_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "CACHE_ROOT", tmp_path)
    inner = Counting()
    first, second = (Speech(np.full(3200, value, np.float32), "made") for value in (0.25, 0.5))
    for _ in range(2):
        # as in another process: nothing but the folder is remembered
        encoder = HeardEncoder(inner)
        assert np.all(encoder.encode(first) == 0.25)
        assert np.all(encoder.encode(second) == 0.5)
    assert inner.asked == 2
    assert isinstance(encoder, ClosureDetector)
    assert np.all(encoder.closure(encoder.encode(second)) == 0.5)
