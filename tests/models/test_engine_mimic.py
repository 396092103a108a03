# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine with a tiny Mimic in the place of the bundled one: what is loaded, spoken, kept and refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import weights
from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE
from core.engine import jobs, loaded
from core.engine.backends.mimic import MimicBackend
from core.engine.pipeline import generate_motion
from core.errors import CancelledError, ModelError
from core.exchange.media_range import MediaRange
from core.face.basis import open_basis
from core.face.motion import Motion
from core.models.mimic.generate import MIMIC_FILE, MimicGenerator, save_mimic
from core.models.mimic.network import MimicNetwork
from core.models.speech.mel import MelEncoder
from core.style.parts import MimicPart
from tests.asking import ask
from tests.engine_bench import Bench, make_bench, tracked
from tests.media import tone, write_audio
from tests.mimic_made import TINY, tiny_network


def network_with_mean() -> MimicNetwork:
    """Its average talker is somebody."""
    network = tiny_network()
    network.mean_code.copy_(torch.linspace(-1, 1, TINY.code_size))
    return network


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The bench with the real way to Mimic's weights, which lie in a folder of their own."""
    open_basis()
    folder = tmp_path / "vendor_models"
    folder.mkdir()
    save_mimic(network_with_mean(), folder / MIMIC_FILE, MelEncoder(), {})
    known = {MIMIC_FILE: weights.file_hash(folder / MIMIC_FILE)}
    (folder / "checksums.json").write_text(json.dumps(known))
    real = MimicBackend.load
    found = make_bench(tmp_path, monkeypatch)
    monkeypatch.setattr(MimicBackend, "load", real)
    monkeypatch.setattr(weights, "VENDOR_MODELS", folder)
    monkeypatch.setattr(weights, "CHECKSUMS", folder / "checksums.json")
    weights.bundled.cache_clear()
    yield found
    weights.bundled.cache_clear()


def face(bench: Bench, **options: object) -> Motion:
    """What Mimic says, without blinks and gaze."""
    request = ask(bench.audio, engine="mimic", device="cpu", blinks=False, gaze_amount=0.0, **options)  # type: ignore[arg-type]
    return generate_motion(request).motion


def test_the_engine_speaks_what_the_network_says_to_the_references_code(bench: Bench) -> None:
    network = MimicGenerator.load(path=weights.VENDOR_MODELS / MIMIC_FILE)
    reference = tracked(bench.clip.path)
    code = network.style_code(reference.motion, reference.speech)
    expected = network.generate(load_speech(bench.audio.path), code)
    style = generate_motion(ask(bench.audio, bench.clip, engine="mimic", device="cpu")).style
    assert style is not None and style.mimic is not None and style.mimic.likeness is not None
    np.testing.assert_allclose(style.mimic.code, code, atol=1e-5)
    dataclasses.replace(style, mimic=MimicPart(code, style.mimic.model_hash)).save(bench.folder / "code.safetensors")
    spoken = face(bench, style=bench.folder / "code.safetensors")
    np.testing.assert_allclose(spoken.face_vector(), expected.face_vector(), atol=1e-5)
    assert spoken.head.any()


def test_strength_and_mix_move_the_face_from_the_mean_to_one_and_to_the_other(bench: Bench) -> None:
    first = generate_motion(ask(bench.audio, bench.clip, engine="mimic", device="cpu")).style
    assert first is not None and first.mimic is not None
    first.save(bench.folder / "ada.safetensors")
    mean = face(bench).face_vector()
    np.testing.assert_array_equal(face(bench, reference=bench.clip, style_strength=0.0).face_vector(), mean)
    steps = [face(bench, reference=bench.clip, style_strength=s).face_vector() for s in (0.5, 1.0, 1.5)]
    apart = [float(np.abs(step - mean).mean()) for step in steps]
    assert 0 < apart[0] < apart[1] < apart[2]
    mixed = face(bench, reference=bench.clip, second_style=bench.folder / "ada.safetensors", style_mix=0.5)
    # a style mixed with itself is itself
    np.testing.assert_allclose(mixed.face_vector(), steps[1], atol=1e-4)


def test_a_saved_style_speaks_as_its_reference(bench: Bench) -> None:
    style = generate_motion(ask(bench.audio, bench.clip, engine="mimic", device="cpu")).style
    assert style is not None
    style.save(bench.folder / "ada.safetensors")
    again = face(bench, style=bench.folder / "ada.safetensors")
    np.testing.assert_array_equal(again.face_vector(), face(bench, reference=bench.clip).face_vector())


def test_long_speech_can_be_cancelled_between_its_windows(bench: Bench) -> None:
    long = MediaRange(bench.folder / "long.wav")
    write_audio(long.path, tone(60.0)[None], SAMPLE_RATE, "pcm_s16le")
    told: list[float] = []

    def cancel(stage: str, fraction: float) -> None:
        if stage == "motion":
            told.append(fraction)
            if fraction > told[0]:
                raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        generate_motion(ask(long, engine="mimic", device="cpu"), cancel)
    # the stage ends at 0.73
    assert told[-1] < 0.65


def test_damaged_weights_stop_mimic_but_not_adamesh(bench: Bench) -> None:
    (weights.VENDOR_MODELS / MIMIC_FILE).write_bytes(b"half a file")
    with pytest.raises(ModelError, match="does not match its checksum"):
        face(bench)
    style = generate_motion(ask(bench.audio, bench.clip, device="cpu")).style
    assert style is not None and style.mimic is None


def test_the_warm_up_loads_mimic_and_speaks_once(bench: Bench) -> None:
    jobs._warm_engine("mimic")
    assert loaded.loaded_models().is_loaded("mimic")
    assert not loaded.loaded_models().is_loaded("adamesh")


def test_an_engine_without_its_weights_stays_cold_without_an_error(bench: Bench) -> None:
    (weights.VENDOR_MODELS / MIMIC_FILE).unlink()
    weights.bundled.cache_clear()
    jobs._warm_engine("mimic")
    assert not loaded.loaded_models().is_loaded("mimic")
