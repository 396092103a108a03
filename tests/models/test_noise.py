# SPDX-License-Identifier: GPL-3.0-or-later
"""What corrects Whisper's hearing of noisy sounds: begins as nothing, hears in pieces, is part of the fingerprint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import SAMPLE_RATE, Speech
from core.models.adamesh.generate import EXPRESSION_FILE
from core.models.mimic.generate import MIMIC_FILE
from core.models.speech import noise
from core.models.speech.memoised import memoised
from core.models.speech.noise import CONTEXT_FRAMES, NOISE_FILE, NoiseCorrection, save_noise
from core.models.speech.noise_network import NoiseConfig, NoiseNetwork
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork
from core.models.speech.prosody import PROSODY_SIZE, prosody
from core.models.speech.registry import HASH_KEY, WHISPER, encoder_of_model, weights_file
from core.models.speech.whisper import SIZE, WhisperEncoder, WhisperProjection
from core.weights import bundled, read_metadata

VALUES = 6


@pytest.fixture
def other() -> PhoneticEncoder:
    torch.manual_seed(0)
    return PhoneticEncoder(PhoneticNetwork(PhoneticConfig(width=8, dilations=(1,), bottleneck=4)), "made")


@pytest.fixture
def untrained(other: PhoneticEncoder) -> NoiseCorrection:
    torch.manual_seed(0)
    config = NoiseConfig(values=VALUES, other=other.dimension - PROSODY_SIZE, width=8)
    return NoiseCorrection(NoiseNetwork(config), other, "weights")


@pytest.fixture
def trained(untrained: NoiseCorrection) -> NoiseCorrection:
    for parameter in untrained.network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return untrained


def test_before_training_it_changes_nothing(untrained: NoiseCorrection) -> None:
    samples = (np.random.default_rng(0).normal(size=SAMPLE_RATE) * 0.1).astype(np.float32)
    values = np.random.default_rng(1).normal(size=(50, VALUES)).astype(np.float32)
    found, sounds = untrained.corrected(values, Speech(samples, "noise"))
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(sounds, prosody(samples))


def test_long_sounds_in_pieces_are_what_one_pass_gives(
    trained: NoiseCorrection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frames in (0, 1, 40, 170):
        heard = np.random.default_rng(frames).normal(size=(frames, trained.network.config.size)).astype(np.float32)
        monkeypatch.setattr(noise, "CHUNK_FRAMES", 1000)
        whole = trained.of_features(heard)
        monkeypatch.setattr(noise, "CHUNK_FRAMES", 40)
        np.testing.assert_allclose(trained.of_features(heard), whole, atol=1e-5)
        assert whole.shape == (frames, VALUES + PROSODY_SIZE)


def test_a_frame_sees_no_further_than_the_context(trained: NoiseCorrection) -> None:
    heard = np.zeros((100, trained.network.config.size), np.float32)
    changed = heard.copy()
    changed[50] = 1.0
    moved = np.abs(trained.of_features(changed) - trained.of_features(heard)).max(axis=1) > 0
    seen = np.flatnonzero(moved)
    assert 50 - CONTEXT_FRAMES <= seen[0] < 45 and 55 < seen[-1] <= 50 + CONTEXT_FRAMES


def test_weights_come_back_and_tell_themselves_apart(trained: NoiseCorrection, tmp_path: Path) -> None:
    path = tmp_path / NOISE_FILE
    save_noise(trained.network, path, {})
    loaded = NoiseCorrection.load(path)
    heard = np.random.default_rng(0).normal(size=(30, trained.network.config.size)).astype(np.float32)
    np.testing.assert_allclose(loaded.of_features(heard), trained.of_features(heard), rtol=0.02, atol=0.05)
    assert loaded.hash != trained.hash and len(loaded.hash) == 64


def test_the_bundled_one_fits_the_encoders_that_it_stands_behind() -> None:
    shipped = NoiseCorrection.load()
    config = shipped.network.config
    assert config.values == 64 and config.other == shipped.other.dimension - PROSODY_SIZE
    assert np.abs(shipped.of_features(np.zeros((60, config.size), np.float32))).max() < 3.0


def test_whisper_hears_with_it_and_its_fingerprint_says_so(trained: NoiseCorrection) -> None:
    rng = np.random.default_rng(0)
    wide = np.eye(SIZE, VALUES, dtype=np.float32)
    reader = [rng.normal(size=shape).astype(np.float32) for shape in ((5 * VALUES, 4), (4,), (4, 3), (3,))]
    projection = WhisperProjection(
        np.zeros(SIZE, np.float32), wide, *reader, filters=np.full((80, 257), 1 / 257, np.float32), hash="made"
    )

    class Silent:
        def values(self, mel: np.ndarray) -> np.ndarray:
            return np.zeros((len(mel), mel.shape[1] // 2, SIZE), np.float32)

    plain, through = (WhisperEncoder(Silent(), projection, noise) for noise in (None, trained))  # type: ignore[arg-type]
    speech = Speech((rng.normal(size=SAMPLE_RATE) * 0.1).astype(np.float32), "noise")
    assert plain.hash != through.hash and plain.companion is None
    values, sounds = trained.corrected(np.zeros((50, VALUES), np.float32), speech)
    found = through.encode(speech)
    np.testing.assert_array_equal(found[:, :VALUES], values)
    np.testing.assert_array_equal(found[:, -PROSODY_SIZE:], sounds)
    assert np.abs(found - plain.encode(speech)).max() > 0.1


def test_the_encoder_beside_serves_a_model_that_wants_it(trained: NoiseCorrection) -> None:
    class Whisper:
        name, hash, dimension, companion = "whisper-base", "another", 1, trained.other

    wanted = {HASH_KEY: trained.other.hash}
    assert encoder_of_model(wanted, shared=memoised(Whisper())) is trained.other  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [EXPRESSION_FILE, MIMIC_FILE])
def test_face_weights_for_whisper_speak_with_this_correction(name: str) -> None:
    encoder = WhisperEncoder(None, WhisperProjection.load(), NoiseCorrection.load())  # type: ignore[arg-type]
    assert read_metadata(bundled(weights_file(name, WHISPER)))[HASH_KEY] == encoder.hash
