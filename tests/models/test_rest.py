# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips stay shut while nobody speaks, whatever else sounds, and the face comes to rest when speech ends."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE, Speech
from core.face.landmarks import mouth_opening
from core.models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator
from core.models.speech.registry import BUNDLED, WHISPER, weights_file
from core.models.speech.whisper_files import whisper_is_ready
from core.weights import VENDOR_MODELS, bundled

SECONDS = 4
DEMO_SPEECH = VENDOR_MODELS.parent / "demo" / "input" / "speech.ogg"


ENCODERS = [
    BUNDLED,
    pytest.param(WHISPER, marks=pytest.mark.skipif(not whisper_is_ready(), reason="Whisper-base is not here")),
]


@cache
def generator(encoder: str) -> ExpressionGenerator:
    return ExpressionGenerator.load("cpu", bundled(weights_file(EXPRESSION_FILE, encoder)))


def opening(samples: NDArray[np.floating], encoder: str) -> NDArray[np.float64]:
    """(T,) cm between the inner lips, more than at rest."""
    basis = generator(encoder).basis
    motion = generator(encoder).generate(Speech(np.asarray(samples, np.float32), "made"))
    return np.asarray(mouth_opening(basis.landmarks(motion)) - mouth_opening(basis.neutral[None])[0], np.float64)


@cache
def spoken_opening(encoder: str) -> float:
    """How far the lips part in the demo's speech, 95th percentile, cm."""
    return float(np.percentile(opening(load_speech(DEMO_SPEECH).samples[: 6 * SAMPLE_RATE], encoder), 95))


def silence() -> NDArray[np.float64]:
    return np.zeros(SECONDS * SAMPLE_RATE)


def room_noise() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=SECONDS * SAMPLE_RATE) * 0.003


def music() -> NDArray[np.float64]:
    """Chords of three struck strings with overtones, a new one every half second."""
    rng, time = np.random.default_rng(1), np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    sound = np.zeros(len(time))
    for chord in range(2 * SECONDS):
        struck = time - chord / 2
        for hertz in 110.0 * 2 ** (rng.integers(0, 24, 3) / 12):
            tone = sum(np.sin(2 * np.pi * hertz * k * time) / k**1.5 for k in range(1, 8))
            sound += np.where(struck >= 0, np.exp(-3 * np.maximum(struck, 0)), 0) * tone
    return 0.1 * sound / np.abs(sound).max()


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("sound", [silence, room_noise, music])
def test_lips_stay_shut_while_nobody_speaks(sound: object, encoder: str) -> None:
    assert callable(sound)
    assert np.percentile(opening(sound(), encoder), 95) < 0.25 * spoken_opening(encoder)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_face_comes_to_rest_when_speech_ends(encoder: str) -> None:
    speech = load_speech(DEMO_SPEECH).samples[: 3 * SAMPLE_RATE]
    after = opening(np.concatenate([speech, np.zeros(2 * SAMPLE_RATE, np.float32)]), encoder)[-25:]
    assert after.max() < 0.25 * spoken_opening(encoder)
    # and stays there
    assert after.max() - after.min() < 0.1 * spoken_opening(encoder)
