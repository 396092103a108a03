# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic on tiny sizes: shapes, what each norm strips, the decoder, files and generation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import ModelError, ReferenceClipError
from core.face.basis import open_basis
from core.face.motion import EXPRESSION_SIZE, INTERNAL_FPS, MOTION_SIZE, Motion
from core.models.mimic.decoder import ParallelDecoder
from core.models.mimic.generate import SHRINKAGE_HALF_SECONDS, MimicGenerator, save_mimic
from core.models.mimic.layers import StyleAdaptiveNorm, TemporalInstanceNorm
from core.models.mimic.network import MimicNetwork
from core.models.mimic.space import SPACE_SIZE
from core.models.speech.mel import MelEncoder
from core.weights import read_tensors, write_tensors
from tests.mimic_made import TINY, tiny_network


def _network() -> MimicNetwork:
    return tiny_network().eval()


def _motion(seconds: float, scale: float = 0.3) -> Motion:
    rng = np.random.default_rng(3)
    frames = round(seconds * INTERNAL_FPS)
    return Motion(
        fps=INTERNAL_FPS,
        expression=(scale * rng.normal(size=(frames, EXPRESSION_SIZE))).astype(np.float32),
        jaw=np.outer(0.1 * rng.random(frames), open_basis().hinge_axis).astype(np.float32),
        head=np.zeros((frames, 3), np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        basis_name=open_basis().name,
        basis_hash=open_basis().hash,
    )


def _speech(seconds: float) -> Speech:
    rng = np.random.default_rng(0)
    return Speech((rng.normal(size=round(seconds * SAMPLE_RATE)) * 0.1).astype(np.float32), "noise")


@pytest.fixture
def weights_file(tmp_path: Path) -> Path:
    path = tmp_path / "mimic.safetensors"
    network = _network()
    network.mean_code.copy_(torch.linspace(-1, 1, TINY.code_size))
    save_mimic(network, path, MelEncoder(), {"training": "none"})
    return path


@pytest.fixture
def generator(weights_file: Path) -> MimicGenerator:
    return MimicGenerator.load(path=weights_file)


def test_features_and_motion_meet_in_one_content_space() -> None:
    network = _network()
    heard = network.speech_content(torch.randn(2, 60, TINY.feature_size))
    seen = network.motion_content(torch.randn(2, 30, SPACE_SIZE))
    assert heard.shape == seen.shape == (2, 30, TINY.width)
    assert network.decoder(heard, torch.randn(2, TINY.code_size)).shape == (2, 30, SPACE_SIZE)


def test_every_parameter_gets_a_gradient() -> None:
    network = _network().train()
    motion = torch.randn(2, 20, MOTION_SIZE)
    coordinates, code = network.coordinates(motion), network.style(motion)
    contents = network.speech_content(torch.randn(2, 40, TINY.feature_size)), network.motion_content(coordinates)
    sum(
        network.decoder.forward_teacher_forced(content, code, coordinates).square().mean() for content in contents
    ).backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_the_untrained_decoder_is_a_face_at_rest() -> None:
    assert (ParallelDecoder(TINY)(torch.randn(1, 8, TINY.width), torch.randn(1, TINY.code_size)) == 0).all()


def test_style_adaptive_norm_starts_as_a_layer_norm_and_follows_its_formula() -> None:
    norm, h, code = StyleAdaptiveNorm(4, 3), torch.randn(2, 5, 4), torch.randn(2, 3)
    torch.testing.assert_close(norm(h, code), torch.nn.functional.layer_norm(h, (4,)))
    with torch.no_grad():
        norm.affine.weight.normal_()
    gain, offset = (code @ norm.affine.weight.T + norm.affine.bias).chunk(2, dim=1)
    deviation = h.var(dim=-1, unbiased=False, keepdim=True).add(1e-5).sqrt()
    wanted = gain[:, None] * (h - h.mean(dim=-1, keepdim=True)) / deviation + offset[:, None]
    torch.testing.assert_close(norm(h, code), wanted)


def test_instance_norm_strips_offset_and_amplitude_of_each_sequence() -> None:
    norm, x = TemporalInstanceNorm(), torch.randn(2, 50, 6)
    normal = norm(x)
    torch.testing.assert_close(normal.mean(dim=1), torch.zeros(2, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(norm(3.0 * x + 7.0), normal, atol=1e-3, rtol=0)


def test_a_stretch_shown_twice_has_the_code_of_the_stretch() -> None:
    """A mean over time, but for what attention sees across the joint."""
    network, motion = _network(), torch.randn(1, 120, MOTION_SIZE) * 0.1
    with torch.inference_mode():
        once, twice = network.style(motion), network.style(torch.cat([motion, motion], dim=1))
    assert torch.nn.functional.cosine_similarity(once, twice).item() > 0.98


def test_generated_motion_covers_the_speech_and_rests_its_head(generator: MimicGenerator) -> None:
    motion = generator.generate(_speech(2.02), None)
    assert len(motion) == 51
    assert not motion.head.any()
    assert motion.basis_hash == open_basis().hash


def test_no_code_is_the_mean_code(generator: MimicGenerator) -> None:
    plain, mean = generator.generate(_speech(1), None), generator.generate(_speech(1), generator.mean_code)
    assert (plain.face_vector() == mean.face_vector()).all()
    assert generator.mean_code.shape == (128,)


def test_another_code_gives_another_motion(generator: MimicGenerator) -> None:
    other = generator.generate(_speech(1), generator.mean_code + 1.0)
    assert np.abs(other.face_vector() - generator.generate(_speech(1), None).face_vector()).max() > 1e-3


def test_what_a_reference_says_is_no_style(generator: MimicGenerator) -> None:
    """Silence would be wondered at, and sound of under a second says too little."""
    motion = _motion(4)
    alone, beside = generator.style_code(motion), generator.style_code(motion, _speech(4))
    assert not np.allclose(alone, beside, atol=1e-4)
    np.testing.assert_array_equal(generator.style_code(motion, _speech(0.5)), alone)
    # only what both cover counts
    np.testing.assert_allclose(generator.style_code(_motion(4), _speech(9)), beside, atol=0.2 * np.abs(beside).max())


def test_the_code_of_a_short_reference_is_shrunk_more(generator: MimicGenerator) -> None:
    motion = _motion(6)
    raw = generator.network.style(torch.from_numpy(motion.face_vector())[None])[0].detach().numpy()
    apart = generator.style_code(motion) - generator.mean_code
    np.testing.assert_allclose(
        apart, 6 / (6 + SHRINKAGE_HALF_SECONDS) * (raw - generator.mean_code), rtol=1e-3, atol=1e-4
    )


def test_a_code_is_read_from_a_second_or_a_minute(generator: MimicGenerator) -> None:
    codes = [generator.style_code(_motion(seconds)) for seconds in (1.0, 13.0)]
    assert all(code.shape == (128,) and code.dtype == np.float32 for code in codes)


def test_less_than_a_second_is_refused_in_words(generator: MimicGenerator) -> None:
    with pytest.raises(ReferenceClipError, match=r"0\.5 s"):
        generator.style_code(_motion(0.5))


def test_motion_of_another_basis_is_refused(generator: MimicGenerator) -> None:
    with pytest.raises(ModelError, match="basis"):
        generator.style_code(_motion(2).replace(basis_hash="0" * 64))


def test_a_code_of_the_wrong_size_is_refused(generator: MimicGenerator) -> None:
    with pytest.raises(ValueError, match="shape"):
        generator.generate(_speech(1), np.zeros(5, np.float32))


def test_damaged_missing_and_foreign_files_are_refused(weights_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        MimicGenerator.load(path=tmp_path / "nothing.safetensors")
    file = read_tensors(weights_file)
    damaged = tmp_path / "damaged.safetensors"
    write_tensors(damaged, dict(list(file.tensors.items())[1:]), file.metadata)
    with pytest.raises(ModelError, match="not a Mimic model"):
        MimicGenerator.load(path=damaged)
    write_tensors(damaged, file.tensors, {**file.metadata, "basis_hash": "0" * 64})
    with pytest.raises(ModelError, match="basis"):
        MimicGenerator.load(path=damaged)


def test_a_speech_longer_than_one_window_is_covered_to_its_end(generator: MimicGenerator) -> None:
    vectors = generator.generate(_speech(9.0), None).face_vector()
    assert len(vectors) == 225
    assert np.isfinite(vectors).all() and np.ptp(vectors[-20:], axis=0).max() > 1e-4


def test_weights_with_the_laboratorys_decoder_are_refused_in_a_sentence(weights_file: Path) -> None:
    file = read_tensors(weights_file)
    config = json.dumps(
        {**json.loads(file.metadata["config"]), "decoder": "autoregressive", "period": 30, "span": 150}
    )
    write_tensors(weights_file, file.tensors, {**file.metadata, "config": config})
    with pytest.raises(ModelError, match=r"mimic\.safetensors have an autoregressive decoder.*parallel decoder"):
        MimicGenerator.load(path=weights_file)


def test_files_that_hold_the_laboratorys_sizes_still_load(weights_file: Path) -> None:
    file = read_tensors(weights_file)
    config = json.dumps({**json.loads(file.metadata["config"]), "period": 30, "span": 150})
    write_tensors(weights_file, file.tensors, {**file.metadata, "config": config})
    assert MimicGenerator.load(path=weights_file).network.config == TINY
