# SPDX-License-Identifier: GPL-3.0-or-later
"""The training code on made-up clips: features agree with inference, losses fall, a resumed run is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.face.basis import open_basis
from core.face.region_chart import OPENING, region_chart
from core.models.adamesh.network import NetworkConfig, NetworkOutput
from core.models.speech.mel import MelEncoder, log_mel, normalise, power_spectrogram, stack_pairs
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.phonetic_network import PhoneticConfig, PhoneticNetwork
from research.corpus.augment import AUGMENTATIONS, augment, features, mel_features, warp_frequency
from research.corpus.clips import Clip
from research.training import feature_bank, loop
from research.training.expression.data import (
    FaceSource,
    SamplingSettings,
    TalkerStatistics,
    as_average,
    parameter_vector,
)
from research.training.expression.train import ExpressionSettings, TrainedExpression, expression_loss, train
from research.training.extractors import PhoneticExtractor
from research.training.feature_bank import FacePair, VoiceSettings, face_pairs
from research.training.loop import Schedule
from research.training.motion_data import MotionPair
from research.training.motion_loss import MotionLoss
from research.training.style_variation import StyleParameters
from tests.interrupted import interrupted_after

TINY = NetworkConfig(
    width=16,
    heads=2,
    hidden=32,
    encoder_blocks=1,
    decoder_blocks=1,
    style_blocks=1,
    style_hidden=32,
    postnet_channels=8,
    dropout=0,
)
SETTINGS = ExpressionSettings(
    schedule=Schedule(steps=30, horizon_steps=40, cool_down_steps=5, learning_rate=3e-3, save_every=10),
    sampling=SamplingSettings(batch=4, crop_frames=25, reference_frames=20, shares=(("s1", 0.5), ("grid", 0.5))),
    network=TINY,
    threads=1,
)


@pytest.fixture(scope="module")
def extractor() -> PhoneticExtractor:
    torch.manual_seed(0)
    tiny = PhoneticNetwork(PhoneticConfig(width=8, dilations=(1,), bottleneck=4))
    return PhoneticExtractor(PhoneticEncoder(tiny, "hash"))


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
        sounds = np.zeros((150, 4), np.float32)
        sounds[:, 0] = np.repeat(level, 2)
        nowhere = np.zeros((75, 478, 3), np.float32)
        made.append(MotionPair(clip, power.astype(np.float16), motion, nowhere, sounds))
    return made


@pytest.fixture(scope="module")
def groups(
    pairs: list[MotionPair], extractor: PhoneticExtractor, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[FacePair]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_bank, "CACHE_ROOT", tmp_path_factory.mktemp("features"))
        made, cached = (face_pairs(pairs, extractor, VoiceSettings(3)) for _ in range(2))
        assert all(np.array_equal(a.features, b.features) for a, b in zip(made, cached, strict=True))
    return {"s1": made[:3], "grid": made[3:]}


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
    untouched = augment(power, torch.Generator().manual_seed(3), left_out=tuple(AUGMENTATIONS))
    assert torch.equal(untouched, power)


def test_each_clip_is_heard_in_its_own_voice_first(
    groups: dict[str, list[FacePair]], pairs: list[MotionPair], extractor: PhoneticExtractor
) -> None:
    power = torch.exp(torch.from_numpy(pairs[0].log_power.astype(np.float32)))[None]
    with torch.inference_mode():
        own = extractor.encoder.network(mel_features(power)).features[0].numpy()
    features = groups["s1"][0].features
    np.testing.assert_allclose(features[0, :, : own.shape[1]], own, atol=5e-3)
    assert np.abs(features[1] - features[0]).max() > 0.05
    assert features.shape == (3, 150, extractor.encoder.dimension)


def test_style_and_speech_of_a_sample_belong_to_one_talker_and_one_variation(
    groups: dict[str, list[FacePair]],
) -> None:
    source = FaceSource(groups, SETTINGS.sampling)
    batch, again = source.draw(np.random.default_rng(5)), source.draw(np.random.default_rng(5))
    assert torch.equal(batch.motion, again.motion) and torch.equal(batch.reference, again.reference)
    assert batch.features.shape[1] == 2 * batch.motion.shape[1] == 50
    varied = batch.parameters.abs().sum(dim=1) > 0
    assert varied.any() and not varied.all()


def test_without_a_style_talkers_are_shown_with_the_average_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    said = rng.normal(size=(500, 53)).astype(np.float32)
    quiet, lively = 0.8 * said + 0.1, 1.2 * said - 0.3
    known = [TalkerStatistics(motion.mean(axis=0), motion.std(axis=0)) for motion in (quiet, lively)]
    average = TalkerStatistics.average(known)
    first, second = (as_average(m, own, average) for m, own in zip((quiet, lively), known, strict=True))
    np.testing.assert_allclose(first, second, atol=1e-4)
    np.testing.assert_allclose(first.std(axis=0), said.std(axis=0), rtol=1e-3)
    still = TalkerStatistics(np.zeros(53, np.float32), np.zeros(53, np.float32))
    # what a talker never moves is not blown up into noise
    assert np.abs(as_average(0.01 * said, still, average) - average.mean).max() < 0.03 * np.abs(said).max()


def test_unvaried_parameters_are_zero() -> None:
    assert not parameter_vector(StyleParameters()).any()
    assert parameter_vector(StyleParameters(opening_gain=float(np.e)))[0] == pytest.approx(1 / 0.3)


def test_loss_is_zero_for_the_truth_and_weighs_lips_most(pairs: list[MotionPair]) -> None:
    motion = torch.from_numpy(pairs[0].motion)[None]
    deviation = motion.std(dim=(0, 1)).clamp_min(1e-3)
    loss = MotionLoss(open_basis(), torch.zeros(53), deviation, SETTINGS.loss)
    truth = motion / deviation
    assert loss(NetworkOutput(truth, truth), motion).item() == pytest.approx(0, abs=1e-4)
    assert loss._weight[50] > 3 * loss._weight[52]


def test_lips_that_stay_apart_cost_more_where_the_true_ones_touch() -> None:
    """The same mistake in the gap, once over a shut mouth and once over an open one."""
    loss, opening = _loss(), torch.from_numpy(region_chart(open_basis()).directions[OPENING].astype(np.float32))
    shut, wide = torch.zeros(1, 20, 53), (0.8 * opening).expand(1, 20, 53)
    wrong = 0.2 * opening
    at_shut = loss(NetworkOutput(shut + wrong, shut + wrong), shut)
    at_wide = loss(NetworkOutput(wide + wrong, wide + wrong), wide)
    assert at_shut.item() > 1.05 * at_wide.item()


def _loss() -> MotionLoss:
    return MotionLoss(open_basis(), torch.zeros(53), torch.ones(53), SETTINGS.loss)


def test_training_learns_and_resumes_to_the_same_weights(
    groups: dict[str, list[FacePair]], extractor: PhoneticExtractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    whole = train(groups, extractor.encoder, SETTINGS, "whole")
    first = replace(SETTINGS, schedule=replace(SETTINGS.schedule, save_every=10))
    with interrupted_after(15, monkeypatch):
        train(groups, extractor.encoder, first, "resumed")
    resumed = train(groups, extractor.encoder, first, "resumed")
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, msg=name)


def test_the_loss_falls(groups: dict[str, list[FacePair]], extractor: PhoneticExtractor) -> None:
    torch.manual_seed(0)
    model = TrainedExpression(replace(TINY, feature_size=extractor.encoder.dimension))
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    source, loss, losses = FaceSource(groups, SETTINGS.sampling), _loss(), []
    for step in range(30):
        value = expression_loss(model, source.draw(np.random.default_rng(step)), loss, 0.1)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:5])
