# SPDX-License-Identifier: GPL-3.0-or-later
"""Whisper as a speech encoder: what it promises, with a small stand-in for its network, and how it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import ModelError, SettingsError
from core.models.speech import registry, whisper_files
from core.models.speech.encoder import ClosureDetector
from core.models.speech.prosody import PROSODY_SIZE
from core.models.speech.registry import chosen_encoder, weights_file
from core.models.speech.whisper import SIZE, WINDOW_FRAMES, WhisperEncoder, WhisperProjection, around, in_windows
from core.models.speech.whisper_files import FOLDER_VARIABLE, MODEL_FILE, find_whisper, whisper_folder
from core.weights import VENDOR_MODELS

WIDTH = 6


class BandEchoes:
    """Stands in for the network: the mean of a frame's two mel columns, first of 512 values."""

    def values(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.zeros((len(mel), mel.shape[1] // 2, SIZE), np.float32)
        out[:, :, :80] = mel.reshape(len(mel), -1, 2, 80).mean(axis=2)
        return out


@pytest.fixture
def projection() -> WhisperProjection:
    rng = np.random.default_rng(0)
    return WhisperProjection(
        mean=np.zeros(SIZE, np.float32),
        components=np.eye(SIZE, WIDTH, dtype=np.float32),
        inner=rng.normal(size=(5 * WIDTH, 4)).astype(np.float32),
        inner_offset=np.zeros(4, np.float32),
        outer=rng.normal(size=(4, 3)).astype(np.float32),
        outer_offset=np.zeros(3, np.float32),
        filters=np.full((80, 257), 1 / 257, np.float32),
        hash="made",
    )


def test_features_are_leading_values_then_lips_then_prosody(projection: WhisperProjection) -> None:
    encoder = WhisperEncoder(BandEchoes(), projection)  # type: ignore[arg-type]
    samples = (np.random.default_rng(0).normal(size=round(1.37 * SAMPLE_RATE)) * 0.1).astype(np.float32)
    features = encoder.encode(Speech(samples, "noise"))
    assert features.shape == (69, WIDTH + 3 + PROSODY_SIZE) and features.dtype == np.float32
    np.testing.assert_allclose(features[:, WIDTH : WIDTH + 3].sum(axis=1), 1.0, rtol=1e-5)
    assert isinstance(encoder, ClosureDetector)
    np.testing.assert_array_equal(encoder.closure(features), features[:, WIDTH + 1])
    assert len(encoder.hash) == 64


def test_long_speech_in_windows_is_what_one_pass_gives() -> None:
    """The stand-in sees one frame alone: any frame taken from the wrong place would show."""
    network = BandEchoes()
    for frames in (0, 1, WINDOW_FRAMES, WINDOW_FRAMES + 1, 3 * WINDOW_FRAMES + 7):
        mel = np.random.default_rng(frames).normal(size=(2 * frames, 80)).astype(np.float32)
        wanted = network.values(mel[None])[0] if frames else np.zeros((0, SIZE))
        np.testing.assert_array_equal(in_windows(network, mel), wanted)  # type: ignore[arg-type]


def test_neighbours_are_in_order_and_the_ends_held() -> None:
    stacked = around(np.arange(4, dtype=np.float32)[:, None], 1)
    assert stacked.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_other_weights_are_refused_by_their_checksum(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_bytes(b"another model")
    (tmp_path / "config.json").write_text("{}")
    files = whisper_folder(tmp_path)
    assert files is not None
    with pytest.raises(ModelError, match="is not the Whisper-base"):
        files.read()


def test_the_two_halves_in_packages_are_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(whisper_files.PACKAGES, 1):
        data = tmp_path / name / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        (data / f"model.bin.part{number}").write_bytes(bytes([number]))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = find_whisper()
    assert found is not None
    assert b"".join(part.read_bytes() for part in found.parts) == b"\x01\x02"


def test_what_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "whisper_is_ready", lambda: False)
    assert chosen_encoder("auto") == "bundled"
    monkeypatch.setattr(registry, "whisper_is_ready", lambda: True)
    assert chosen_encoder("auto") == "whisper" and chosen_encoder("bundled") == "bundled"
    with pytest.raises(SettingsError, match=r"no face networks.*model pack"):
        chosen_encoder(str(tmp_path))
    with pytest.raises(SettingsError, match="no speech encoder nonsense"):
        chosen_encoder("nonsense")


def test_face_weights_are_named_after_their_encoder() -> None:
    assert weights_file("mimic.safetensors", "bundled") == "mimic.safetensors"
    assert weights_file("mimic.safetensors", "whisper") == "mimic_whisper.safetensors"


@pytest.mark.skipif(find_whisper() is None, reason="Whisper-base is not here")
def test_the_real_encoder_hears_the_demo() -> None:
    from core.audio.decode import load_speech

    speech = load_speech(VENDOR_MODELS.parent / "demo" / "input" / "speech.ogg")
    encoder = WhisperEncoder.load()
    features = encoder.encode(speech)
    assert features.shape == (-(-len(speech.samples) // 320), encoder.dimension)
    # "Mama and Papa bought a new blue boat": lips shut often, but not most of the time
    assert 0.03 < (encoder.closure(features) > 0.4).mean() < 0.4
