# SPDX-License-Identifier: GPL-3.0-or-later
"""Training with people talking behind: level, cache, and weights between those from before and after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.audio.speech import Speech
from core.models.speech.hubert import HubertEncoder
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork
from research.corpus.clips import Clip
from research.corpus.crowd import Crowd
from research.training import feature_bank
from research.training.extractors import FolderExtractor, PhoneticExtractor, prosody_place
from research.training.feature_bank import CrowdSettings, VoiceSettings, face_pairs, in_crowds
from research.training.motion_data import MotionPair

FRAMES = 50


@pytest.fixture
def crowd() -> Crowd:
    rng = np.random.default_rng(0)
    return Crowd(tuple(rng.normal(size=8000 + 500 * k).astype(np.float32) for k in range(7)))


@pytest.fixture
def pair() -> MotionPair:
    clip = Clip("made", "ada", Path("one.mkv"))
    return MotionPair(
        clip,
        np.zeros((4 * FRAMES, 257), np.float16),
        np.zeros((FRAMES, 53), np.float32),
        np.zeros((FRAMES, 478, 3), np.float32),
        np.zeros((2 * FRAMES, 4), np.float32),
    )


@pytest.fixture(autouse=True)
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    samples = np.sin(np.arange(FRAMES * 640) / 20).astype(np.float32)
    tracked = SimpleNamespace(speech=Speech(samples, "made"))
    monkeypatch.setattr(feature_bank, "load_tracked", lambda clip: tracked)
    monkeypatch.setattr(feature_bank, "CACHE_ROOT", tmp_path)
    return samples


@pytest.mark.parametrize("decibel", [0.0, 10.0])
def test_the_crowd_is_so_many_decibels_under_the_speech(crowd: Crowd, decibel: float) -> None:
    speech = np.sin(np.arange(32000) / 20).astype(np.float32)
    behind = crowd.behind(speech, decibel, np.random.default_rng(1)) - speech
    ratio = 10 * np.log10(np.square(speech).mean() / np.square(behind).mean())
    assert ratio == pytest.approx(decibel, abs=0.01)


def test_a_clip_gets_a_voice_for_each_range_once_and_for_all(crowd: Crowd, pair: MotionPair, tmp_path: Path) -> None:
    tiny = PhoneticNetwork(PhoneticConfig(width=8, dilations=(1,), bottleneck=4))
    extractor = PhoneticExtractor(PhoneticEncoder(tiny, "hash"))
    faces = face_pairs([pair], extractor, VoiceSettings(1))
    settings = CrowdSettings(decibels=((5.0, 15.0), (0.0, 1.0)))
    (first,), (again,) = (in_crowds(faces, [pair], extractor, crowd, settings) for _ in range(2))
    assert first.features.shape == (3, 2 * FRAMES, extractor.encoder.dimension)
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.features[0], faces[0].features[0])
    # prosody is that of the noisy sound, the clean clip's is not handed to the network
    assert not np.array_equal(first.features[1, :, -4:], first.features[0, :, -4:])
    assert len(list(tmp_path.glob("*crowd*"))) == 1


def test_a_users_own_encoder_hears_samples_and_brings_no_prosody(pair: MotionPair, sound: np.ndarray) -> None:
    class Fake(HubertEncoder):
        def __init__(self) -> None:
            self.heard: list[int] = []

        name = property(lambda self: "hubert-3-layer1")  # type: ignore[assignment]
        hash = property(lambda self: "abc")  # type: ignore[assignment]
        dimension = property(lambda self: 3)  # type: ignore[assignment]

        def encode(self, speech: Speech) -> np.ndarray:
            self.heard.append(len(speech.samples))
            return np.ones((len(speech.samples) // 320 + 3, 3), np.float32)

    encoder = Fake()
    extractor = FolderExtractor(encoder)
    (face,) = face_pairs([replace(pair, sounds=None)], extractor, VoiceSettings(3))
    assert face.features.shape == (1, 2 * FRAMES, 3)
    face_pairs([pair], extractor, VoiceSettings(3))
    assert encoder.heard == [len(sound)]
    assert prosody_place(encoder) == slice(0, 0)
