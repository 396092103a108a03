# SPDX-License-Identifier: GPL-3.0-or-later
"""AdaMesh's base network on tiny sizes: shapes, gradient flow, training and windowed generation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import EngineSetupError, ModelError
from core.face.basis import open_basis
from core.models.adamesh.generate import ExpressionGenerator, save_network
from core.models.adamesh.identity import identity_vector
from core.models.adamesh.network import ExpressionNetwork, NetworkConfig
from core.models.device import choose_device
from core.models.nn.synthesiser import CONTEXT_FRAMES, WINDOW_FRAMES, run_windows
from core.models.speech.mel import MelEncoder
from core.weights import read_tensors, write_tensors

TINY = NetworkConfig(
    feature_size=160,
    width=16,
    heads=2,
    hidden=32,
    encoder_blocks=1,
    decoder_blocks=1,
    style_blocks=1,
    style_hidden=32,
    postnet_channels=8,
)


@pytest.fixture
def network() -> ExpressionNetwork:
    torch.manual_seed(0)
    return ExpressionNetwork(TINY).eval()


@pytest.fixture
def weights_file(network: ExpressionNetwork, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_network(network, path, MelEncoder(), {"training": "none"})
    return path


def _speech(seconds: float) -> Speech:
    rng = np.random.default_rng(0)
    return Speech((rng.normal(size=round(seconds * SAMPLE_RATE)) * 0.1).astype(np.float32), "noise")


def test_the_released_depth_is_kept_with_half_its_feed_forward() -> None:
    network = ExpressionNetwork(NetworkConfig())
    assert len(network.audio.blocks) == len(network.decoder.blocks) == 3
    # six blocks of 1.6 M; the release's have 2.6 M with twice the feed-forward, and a 33.6 M subsampler
    assert 11e6 < sum(p.numel() for p in network.parameters()) < 14e6


def test_a_sound_beyond_reach_changes_nothing_and_one_within_does() -> None:
    torch.manual_seed(0)
    network = ExpressionNetwork(replace(TINY, kernel=3, reach=4)).eval()
    features = torch.randn(1, 160, 160)
    later = features.clone()
    later[:, 80:] += 1.0
    with torch.inference_mode():
        changed = (network(later).after - network(features).after).abs().amax(dim=(0, 2))
    # frame 40 hears it first; two blocks see 4 + 1 frames further, the post-net 4 and the subsampler 1
    assert not changed[: 40 - 15].any()
    assert changed[40 - 5 : 40].all()


def test_two_feature_frames_become_one_motion_frame(network: ExpressionNetwork) -> None:
    output = network(torch.randn(3, 80, TINY.feature_size))
    assert output.before.shape == output.after.shape == (3, 40, 53)


def test_every_parameter_gets_a_gradient() -> None:
    network = ExpressionNetwork(TINY).train()
    style = network.style(torch.randn(2, 30, 53))
    output = network(torch.randn(2, 40, TINY.feature_size), style, torch.randn(2, TINY.identity_size))
    (output.before.square().mean() + output.after.square().mean()).backward()
    missing = [name for name, p in network.named_parameters() if p.grad is None]
    assert not missing


def test_a_style_or_face_of_zeros_is_the_mean_speaker(network: ExpressionNetwork) -> None:
    features = torch.randn(2, 40, TINY.feature_size)
    plain = network(features).after
    nothing = network(features, torch.zeros(2, TINY.width), torch.zeros(2, TINY.identity_size)).after
    torch.testing.assert_close(nothing, plain)


def test_a_style_changes_the_motion_and_is_one_for_all_frames(network: ExpressionNetwork) -> None:
    features = torch.randn(1, 40, TINY.feature_size)
    slow, lively = network.style(torch.zeros(1, 50, 53)), network.style(torch.randn(1, 50, 53))
    assert slow.shape == (1, TINY.width)
    assert (network(features, slow).after - network(features, lively).after).abs().max() > 1e-3


def test_a_style_does_not_hang_on_where_the_reference_is_cut(network: ExpressionNetwork) -> None:
    """The same movement over and over: any whole number of periods says the same of the talker."""
    period = torch.randn(1, 25, 53)
    short, long = network.style(period.repeat(1, 4, 1)), network.style(period.repeat(1, 6, 1))
    assert torch.cosine_similarity(short, long).item() > 0.98


def test_identity_is_zero_for_the_mean_face_and_reads_proportions() -> None:
    basis = open_basis()
    assert not identity_vector(basis.neutral, basis).any()
    wide = basis.neutral * np.array([1.1, 1.0, 1.0])
    assert identity_vector(wide, basis)[0] > 1.0 and identity_vector(wide, basis)[8] == pytest.approx(0, abs=0.01)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="not divisible by 3 heads"):
        NetworkConfig(width=16, heads=3)


@pytest.mark.parametrize("frames", [1, 7, WINDOW_FRAMES, WINDOW_FRAMES + 1, 377, 1000])
def test_windows_cover_any_length(network: ExpressionNetwork, frames: int) -> None:
    motion = run_windows(network, torch.randn(2 * frames, TINY.feature_size))
    assert motion.shape == (frames, 53) and np.isfinite(motion).all()


def test_a_long_speech_has_no_seam(network: ExpressionNetwork) -> None:
    """Where windows meet, the motion is no faster than elsewhere, and the middle equals one wide pass."""
    torch.manual_seed(1)
    smooth = torch.nn.functional.interpolate(torch.randn(1, TINY.feature_size, 60), size=1600, mode="linear")[0].T
    motion = run_windows(network, smooth)
    speed = np.abs(np.diff(motion, axis=0)).mean(axis=1)
    hop = WINDOW_FRAMES - 2 * CONTEXT_FRAMES
    seams = np.concatenate([np.arange(hop, hop + 2 * CONTEXT_FRAMES) + k * hop for k in range(5)])
    elsewhere = np.delete(speed, seams[seams < len(speed)])
    assert np.percentile(speed[seams], 95) < 1.2 * np.percentile(elsewhere, 95)


def test_saved_weights_generate_the_same_motion(network: ExpressionNetwork, weights_file: Path) -> None:
    first = ExpressionGenerator.load("cpu", weights_file).generate(_speech(2.3))
    second = ExpressionGenerator.load("cpu", weights_file).generate(_speech(2.3))
    np.testing.assert_array_equal(first.expression, second.expression)
    assert len(first) == 58 and first.basis_hash == open_basis().hash
    assert not first.head.any() and not first.gaze.any()


def test_motion_covers_the_speech_to_its_last_sample(weights_file: Path) -> None:
    generator = ExpressionGenerator.load("cpu", weights_file)
    for seconds in (0.01, 0.04, 0.05, 1.0, 6.0, 6.01):
        assert len(generator.generate(_speech(seconds))) == int(np.ceil(round(seconds * 16000) * 25 / 16000))


def test_gain_of_the_recording_does_not_change_the_motion(weights_file: Path) -> None:
    generator = ExpressionGenerator.load("cpu", weights_file)
    speech = _speech(2.0)
    quiet = Speech(speech.samples * 0.05, "quiet")
    np.testing.assert_allclose(generator.generate(quiet).expression, generator.generate(speech).expression, atol=0.02)


def test_weights_of_another_basis_are_refused(weights_file: Path) -> None:
    file = read_tensors(weights_file)
    write_tensors(weights_file, file.tensors, {**file.metadata, "basis_hash": "0" * 64})
    with pytest.raises(ModelError, match="face basis 00000000"):
        ExpressionGenerator.load("cpu", weights_file)


def test_an_absent_gpu_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(EngineSetupError, match="cuda is not available"):
        choose_device("cuda")
    with pytest.raises(EngineSetupError, match="mps is not available"):
        choose_device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("core.models.device.card_trouble", lambda device: "")
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(EngineSetupError, match="cuda:2 is not available"):
        choose_device("cuda:2")
