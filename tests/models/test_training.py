# SPDX-License-Identifier: GPL-3.0-or-later
"""The training code on made-up clips: features agree with inference, losses fall, a resumed run is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.adamesh.network import NetworkConfig
from core.face.basis import open_basis
from core.speech.mel import MelEncoder, log_mel, normalise, power_spectrogram, stack_pairs
from core.training import expression
from core.training.augment import augment, features, warp_frequency
from core.training.corpus import Clip
from core.training.expression import BatchSource, MotionLoss, TrainingSettings
from core.training.motion_data import MotionPair

TINY = NetworkConfig(width=16, heads=2, hidden=32, encoder_blocks=1, decoder_blocks=1, postnet_channels=8, dropout=0)
SETTINGS = TrainingSettings(steps=30, horizon_steps=40, cool_down_steps=5, batch=4, crop_frames=25, learning_rate=3e-3)


@pytest.fixture(scope="module")
def pairs() -> list[MotionPair]:
    """Loud frames open the mouth: something a tiny network can learn."""
    rng = np.random.default_rng(0)
    made = []
    for index in range(6):
        level = np.repeat(rng.uniform(-4, 4, 15), 5)
        power = np.repeat(level, 4)[:, None] + rng.normal(scale=0.3, size=(300, 257))
        motion = rng.normal(scale=0.01, size=(75, 53)).astype(np.float32)
        motion[:, :3] += level[:, None] * 0.2
        motion[:, 50] += level * 0.02
        clip = Clip("made", "s1" if index < 3 else "other", Path(f"{index}.mkv"))
        made.append(MotionPair(clip, power.astype(np.float16), motion, np.zeros((75, 478, 3), np.float32)))
    return made


def test_training_features_equal_the_encoders() -> None:
    samples = (np.random.default_rng(0).normal(size=48000) * 0.1).astype(np.float32)
    power = power_spectrogram(samples)
    ours = features(torch.from_numpy(power)[None])[0].numpy()
    np.testing.assert_allclose(ours, stack_pairs(normalise(log_mel(power))), atol=1e-5)
    assert ours.shape[1] == MelEncoder.dimension


def test_mel_frames_are_centred_on_their_time() -> None:
    samples = np.zeros(16000, np.float32)
    samples[8000] = 1.0
    assert power_spectrogram(samples).sum(axis=1).argmax() == 50


def test_a_longer_vocal_tract_moves_the_spectrum_down() -> None:
    power = torch.zeros(64, 4, 257)
    power[:, :, 100] = 1.0
    peaks = warp_frequency(power, torch.Generator().manual_seed(0))[:, 0].argmax(dim=1)
    # bin 100 lands between 100 / 1.3 and 100 / 0.77
    assert 76 <= peaks.min() < 90 and 110 < peaks.max() <= 131


def test_augmentation_is_reproducible_and_keeps_power_positive() -> None:
    power = torch.rand(4, 40, 257)
    first = augment(power, torch.Generator().manual_seed(3))
    again = augment(power, torch.Generator().manual_seed(3))
    assert torch.equal(first, again) and (first >= 0).all() and not torch.equal(first, power)


def test_loss_is_zero_for_the_truth_and_weighs_lips_most(pairs: list[MotionPair]) -> None:
    state = expression._new_state(pairs, SETTINGS, TINY)
    loss = MotionLoss(open_basis(), state.network.mean, state.network.deviation, SETTINGS)
    motion = torch.from_numpy(pairs[0].motion)[None]
    truth = (motion - state.network.mean) / state.network.deviation
    output = state.network(torch.randn(1, 150, 160))
    assert loss(replace(output, before=truth, after=truth), motion).item() == pytest.approx(0, abs=1e-5)
    assert loss._weight[50] > 3 * loss._weight[52]


def test_the_loss_falls(pairs: list[MotionPair]) -> None:
    state = expression._new_state(pairs, SETTINGS, TINY)
    source = BatchSource(pairs, SETTINGS)
    loss = MotionLoss(open_basis(), state.network.mean, state.network.deviation, SETTINGS)
    losses = [expression._step(state, source, loss, SETTINGS) for _ in range(SETTINGS.steps)]
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:5])


def test_a_resumed_run_equals_an_unbroken_one(pairs: list[MotionPair], tmp_path: Path) -> None:
    source = BatchSource(pairs, SETTINGS)

    def steps(state: expression.TrainingState, count: int) -> None:
        loss = MotionLoss(open_basis(), state.network.mean, state.network.deviation, SETTINGS)
        for _ in range(count):
            expression._step(state, source, loss, SETTINGS)

    unbroken = expression._new_state(pairs, SETTINGS, TINY)
    steps(unbroken, 6)
    first = expression._new_state(pairs, SETTINGS, TINY)
    steps(first, 3)
    first.save(tmp_path / "c.pt")
    resumed = expression._new_state(pairs, SETTINGS, TINY)
    resumed.load(tmp_path / "c.pt")
    steps(resumed, 3)
    for name, value in unbroken.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], value, msg=name)
