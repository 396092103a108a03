# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoders by name, and the one that a model was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import ModelError, SettingsError
from core.models.speech.mel import MelEncoder
from core.models.speech.registry import ENCODER_NAMES, encoder_of_model, open_encoder


@pytest.fixture(scope="module")
def hubert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("wavlm")
    config = transformers.WavLMConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=[16] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    transformers.WavLMModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def phonetic_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from core.models.speech.phonetic import save_phonetic
    from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork

    path = tmp_path_factory.mktemp("phonetic") / "tiny.safetensors"
    save_phonetic(PhoneticNetwork(PhoneticConfig(width=16, dilations=(1, 2), bottleneck=8)), path, {})
    return path


# whisper has its own tests: its weights are not ours to ship
@pytest.mark.parametrize("name", [name for name in ENCODER_NAMES if name != "whisper"])
def test_every_encoder_keeps_the_promise_of_the_interface(name: str, hubert_folder: Path, phonetic_file: Path) -> None:
    files = {"mel": None, "phonetic": phonetic_file, "hubert": hubert_folder}
    encoder = open_encoder(name, files[name], device="cpu")
    samples = (np.random.default_rng(0).normal(size=round(1.37 * SAMPLE_RATE)) * 0.1).astype(np.float32)
    features = encoder.encode(Speech(samples, "noise"))
    assert features.shape == (69, encoder.dimension)
    assert features.dtype == np.float32
    assert encoder.name
    assert len(encoder.hash) == 64


def test_an_unknown_encoder_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no speech encoder espeak.*mel, phonetic, whisper, hubert"):
        open_encoder("espeak")


def test_hubert_without_a_folder_says_what_it_needs() -> None:
    with pytest.raises(SettingsError, match="needs the folder"):
        open_encoder("hubert")


@pytest.mark.parametrize(
    ("name", "path", "layer"), [("mel", Path("x"), None), ("mel", None, 3), ("phonetic", None, 1)]
)
def test_what_an_encoder_does_not_take_is_refused(name: str, path: Path | None, layer: int | None) -> None:
    with pytest.raises(SettingsError):
        open_encoder(name, path, layer)


def test_a_models_encoder_is_found_again_with_its_layer(hubert_folder: Path) -> None:
    encoder = open_encoder("hubert", hubert_folder, 1, "cpu")
    metadata = {"encoder": encoder.name, "encoder_hash": encoder.hash}
    found = encoder_of_model(metadata, hubert_folder, "cpu")
    assert (found.name, found.hash) == ("wavlm-32-layer1", encoder.hash)
    mel = encoder_of_model({"encoder": MelEncoder.name, "encoder_hash": MelEncoder().hash})
    assert mel.name == MelEncoder.name


def test_an_encoder_with_other_features_is_refused() -> None:
    with pytest.raises(ModelError, match="was trained on the speech encoder mel80x2 0123abcd"):
        encoder_of_model({"encoder": MelEncoder.name, "encoder_hash": "0123abcdef"})
