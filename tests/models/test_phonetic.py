# SPDX-License-Identifier: GPL-3.0-or-later
"""The phonetic encoder and its training: pieces join without seam, labels that are unknown do not count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import Speech
from core.errors import ModelError
from core.models.speech import phonetic
from core.models.speech.articulation import ARPABET, FEATURES
from core.models.speech.phonetic import PhoneticEncoder, phonetic_features, save_phonetic
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork
from core.models.speech.prosody import PROSODY_SIZE
from research.corpus.phones import Phone, PhoneTrack
from research.training import loop
from research.training.loop import Chance, Schedule, TrainingRun
from research.training.phonetic.data import LabelledSpeech, is_doubtful
from research.training.phonetic.source import SpeechSource
from research.training.phonetic.train import PhoneticSettings, phonetic_loss

TINY = PhoneticConfig(width=16, dilations=(1, 2), bottleneck=8, dropout=0.0)
SCHEDULE = Schedule(steps=30, horizon_steps=40, cool_down_steps=5, learning_rate=5e-3, save_every=10)
SETTINGS = PhoneticSettings(schedule=SCHEDULE, batch=4, crop_frames=40, shares=(("made", 1.0),), threads=1)


@pytest.fixture(scope="module")
def network() -> PhoneticNetwork:
    torch.manual_seed(0)
    return PhoneticNetwork(TINY).eval()


@pytest.fixture(scope="module")
def speech() -> list[LabelledSpeech]:
    """Two sounds that a tiny network can tell apart: energy low or high in frequency."""
    rng = np.random.default_rng(0)
    made = []
    for index in range(4):
        phones = np.repeat(rng.integers(1, 3, 12), 5).astype(np.int8)
        power = rng.normal(scale=0.2, size=(120, 257)) - 6
        power[:, :100] += np.repeat(phones == 1, 2)[:, None] * 6
        power[:, 100:] += np.repeat(phones == 2, 2)[:, None] * 6
        articulation = np.tile(np.minimum(phones, 1)[:, None], (1, len(FEATURES)))
        made.append(LabelledSpeech("made", str(index), index == 3, power.astype(np.float16), phones, articulation))
    return made


def test_the_shipped_size_is_within_six_million_parameters() -> None:
    assert sum(p.numel() for p in PhoneticNetwork(PhoneticConfig()).parameters()) <= 6_000_000


def test_a_frame_depends_on_its_context_alone(network: PhoneticNetwork) -> None:
    mel = torch.randn(1, 200, 80)
    changed = mel.clone()
    changed[:, 100] += 1.0
    with torch.inference_mode():
        moved = (network(mel).features - network(changed).features).abs().sum(dim=2)[0] > 1e-6
    touched = moved.nonzero().flatten()
    assert moved[50]
    assert touched.min() >= 50 - TINY.context_frames and touched.max() <= 50 + TINY.context_frames


def test_long_speech_in_pieces_equals_one_pass(network: PhoneticNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonetic, "CHUNK_FRAMES", 37)
    mel = torch.randn(300, 80)
    with torch.inference_mode():
        whole = network(mel[None]).features[0]
        torch.testing.assert_close(phonetic_features(network, mel[None])[0], whole, atol=1e-5, rtol=0)


def test_encoder_gives_fifty_frames_a_second_with_prosody_last(network: PhoneticNetwork) -> None:
    encoder = PhoneticEncoder(network, "hash")
    samples = (np.random.default_rng(0).normal(size=16000 + 100) * 0.1).astype(np.float32)
    features = encoder.encode(Speech(samples, "made"))
    assert features.shape == (51, encoder.dimension) and np.isfinite(features).all()
    assert encoder.dimension == TINY.bottleneck + sum(len(f.classes) for f in FEATURES) + PROSODY_SIZE


def test_features_do_not_depend_on_gain(network: PhoneticNetwork) -> None:
    encoder = PhoneticEncoder(network, "hash")
    samples = (np.random.default_rng(1).normal(size=16000) * 0.1).astype(np.float32)
    loud, quiet = (encoder.encode(Speech(samples * gain, "made")) for gain in (1.0, 0.03))
    np.testing.assert_allclose(loud, quiet, atol=2e-2)


def test_saved_weights_load_again_and_damaged_ones_say_so(network: PhoneticNetwork, tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_phonetic(network, path, {})
    loaded = PhoneticEncoder.load(path=path)
    mel = torch.randn(1, 60, 80)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(mel).features, network(mel).features, atol=2e-2, rtol=0)
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError):
        PhoneticEncoder.load(path=path)


def test_unknown_labels_do_not_count(network: PhoneticNetwork, speech: list[LabelledSpeech]) -> None:
    batch = SpeechSource(speech, SETTINGS.drawing).draw(np.random.default_rng(0))
    output = network(torch.randn(4, 80, 80))
    unknown = replace(batch, phones=batch.phones * 0 - 1, articulation=batch.articulation * 0 - 1)
    assert phonetic_loss(output, unknown, SETTINGS).item() == 0.0
    assert phonetic_loss(output, batch, SETTINGS).item() > 0.0


def test_loss_is_the_cross_entropy_by_hand(network: PhoneticNetwork, speech: list[LabelledSpeech]) -> None:
    settings = replace(SETTINGS, label_smoothing=0.0)
    batch = SpeechSource(speech, settings.drawing).draw(np.random.default_rng(0))
    batch = replace(batch, articulation=batch.articulation * 0 - 1)
    output = network(torch.randn(4, 80, 80))
    wanted = -output.phones.log_softmax(dim=2).gather(2, batch.phones[:, :, None]).mean()
    assert phonetic_loss(output, batch, settings).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_held_out_speakers_are_never_drawn(speech: list[LabelledSpeech]) -> None:
    source = SpeechSource(speech, SETTINGS.drawing)
    heldout = SpeechSource(speech, SETTINGS.drawing, heldout=True)
    assert source.seconds == pytest.approx(3.6) and heldout.seconds == pytest.approx(1.2)


def test_training_learns_and_resumes_to_the_same_weights(
    speech: list[LabelledSpeech], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    source = SpeechSource(speech, SETTINGS.drawing)
    losses: list[float] = []

    def loss_of(model: torch.nn.Module, chance: Chance) -> torch.Tensor:
        batch = source.draw(chance.rng)
        mel = torch.log(batch.power.unflatten(2, (257,))[:, :, ::3][:, :, :80])
        loss = phonetic_loss(model(mel), batch, SETTINGS)
        losses.append(loss.item())
        return loss

    def fresh() -> PhoneticNetwork:
        torch.manual_seed(1)
        return PhoneticNetwork(TINY)

    whole = TrainingRun(fresh(), SCHEDULE, "whole").train(loss_of)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    stopped = TrainingRun(fresh(), SCHEDULE, "stopped")
    for _ in range(10):
        stopped._take_step(loss_of)
    stopped.save(tmp_path / "stopped.pt")
    resumed = TrainingRun(fresh(), SCHEDULE, "stopped").train(loss_of)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value)


@pytest.mark.parametrize(
    ("seconds", "method", "doubtful"),
    [(0.08, "words", False), (0.08, "phones", True), (0.6, "words", True), (0.02, "words", True)],
)
def test_alignments_of_odd_speed_or_free_phones_are_doubted(seconds: float, method: str, doubtful: bool) -> None:
    phones = tuple(Phone(ARPABET[1], i * seconds, (i + 1) * seconds) for i in range(20))
    assert is_doubtful(PhoneTrack(phones, method)) is doubtful
