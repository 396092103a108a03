# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks of a process share: one device, one speech encoder, every speech encoded once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.engine.backends.base import ChosenStyles, ignore_fraction
from core.engine.context import open_context
from core.engine.loaded import LoadedModels, loaded_models, release_models
from core.engines import engine_names
from core.errors import SettingsError
from core.models.speech.encoder import ClosureDetector
from core.models.speech.mel import MelEncoder
from core.models.speech.memoised import REMEMBERED_SPEECHES, memoised
from core.models.speech.phonetic import PhoneticEncoder
from core.settings import HeadSettings


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    release_models()
    yield
    release_models()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hash of every speech that goes through the phonetic encoder."""
    seen: list[str] = []
    encode = PhoneticEncoder.encode

    def counted(self: PhoneticEncoder, speech: Speech) -> np.ndarray:
        seen.append(speech.hash)
        return encode(self, speech)

    monkeypatch.setattr(PhoneticEncoder, "encode", counted)
    return seen


def noise(seed: int, seconds: float = 1.0) -> Speech:
    samples = np.random.default_rng(seed).normal(0.0, 0.05, round(seconds * SAMPLE_RATE))
    return Speech(samples.astype(np.float32), f"noise {seed}")


def generate(models: LoadedModels, engine: str, speech: Speech) -> None:
    """Face and head, as a request does."""
    face = models.backend(engine).speak(speech, ChosenStyles(), ignore_fraction)
    models.head.generate(speech, None, len(face), HeadSettings(), None, ignore_fraction)


def test_the_encoder_is_opened_once_for_all_engines_and_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, load = [], PhoneticEncoder.load

    def counted(*arguments: object, **options: object) -> PhoneticEncoder:
        opened.append(options)
        return load(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(PhoneticEncoder, "load", counted)
    models = loaded_models("cpu")
    for name in engine_names():
        models.backend(name)
    models.head.hash()
    assert len(opened) == 1


def test_a_speech_is_encoded_once_for_every_face_and_the_head(encoded: list[str]) -> None:
    models, speech = loaded_models("cpu"), noise(1)
    for name in engine_names():
        generate(models, name, speech)
    assert encoded == [speech.hash]


def test_a_wish_for_any_device_and_for_that_one_share_their_networks() -> None:
    context = loaded_models("auto").context
    chosen = context.device
    assert loaded_models(chosen) is loaded_models("auto") is loaded_models("auto", context.choice)
    assert loaded_models(chosen).backend("mimic") is loaded_models("auto").backend("mimic")


def test_released_networks_leave_the_memory() -> None:
    models = loaded_models("cpu")
    backend = weakref.ref(models.backend("mimic").generator)  # type: ignore[attr-defined]
    del models
    release_models()
    gc.collect()
    assert backend() is None


def test_an_encoder_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="no speech encoder elephant"):
        open_context("cpu", "elephant")


def test_remembered_features_are_the_encoders_own_and_few() -> None:
    inner = MelEncoder()
    encoder = memoised(inner)
    assert (encoder.name, encoder.dimension, encoder.hash) == (inner.name, inner.dimension, inner.hash)
    first = encoder.encode(noise(0))
    np.testing.assert_array_equal(first, inner.encode(noise(0)))
    assert encoder.encode(noise(0)) is first
    for seed in range(1, REMEMBERED_SPEECHES + 1):
        encoder.encode(noise(seed))
    assert encoder.encode(noise(0)) is not first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0.0


def test_closures_are_detected_where_the_inner_encoder_detects_them() -> None:
    phonetic = PhoneticEncoder.load()
    encoder = memoised(phonetic)
    assert not isinstance(memoised(MelEncoder()), ClosureDetector)
    assert isinstance(encoder, ClosureDetector)
    features = encoder.encode(noise(3))
    np.testing.assert_array_equal(encoder.closure(features), phonetic.closure(features))
