# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion end to end with a tiny random prior: files, retrieval, settings, the engine's door."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core import weights
from core.audio.speech import Speech
from core.errors import ModelError, SettingsError
from core.face.basis import open_basis
from core.face.motion import Motion
from core.models.pose.apply import bank_entry, pose_for, pose_part
from core.models.pose.generate import TOP_SPEED_RADIANS_PER_SECOND, PoseGenerator, finished
from core.models.pose.gpt import GptConfig, PoseGpt
from core.models.pose.prior import PosePrior, load_prior, save_prior, style_latents
from core.models.pose.speech_steps import PROSODY_STEP_SIZE, encode_speech, speech_steps
from core.models.pose.units import fit_units, frame_features
from core.models.pose.vq import PoseVq, VqConfig
from core.models.speech.mel import MelEncoder
from core.models.speech.registry import HASH_KEY, NAME_KEY, encoder_of_model
from core.pose.bank import PoseBank
from core.pose.reference import PoseReference
from core.pose.statistics import STATISTICS
from core.settings import HeadSettings
from core.style.style import Style, StyleProvenance

SIZE = 3
LATENT = SIZE + 6


@pytest.fixture(scope="module")
def prior_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    vq = PoseVq(VqConfig(frames_per_step=4, codes=16, code_size=SIZE, width=12, dilations=(1,)))
    vq.train()(torch.cumsum(0.03 * torch.randn(8, 64, 3), dim=1))
    config = GptConfig(
        speech_size=MelEncoder.dimension + PROSODY_STEP_SIZE,
        style_size=len(STATISTICS),
        code_size=SIZE,
        layers=2,
        width=16,
        heads=2,
        context=8,
    )
    prior = PosePrior(vq, PoseGpt(config), MelEncoder.dimension).eval()
    for parameter in prior.gpt.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    frames = np.concatenate([frame_features(MelEncoder().encode(_speech(seed))) for seed in range(3)])
    units = fit_units(frames, 6, MelEncoder().hash, seed=0)
    path = tmp_path_factory.mktemp("pose") / "prior.safetensors"
    save_prior(prior, units, MelEncoder.name, path, {})
    return path


@pytest.fixture
def generator(prior_file: Path) -> PoseGenerator:
    loaded = load_prior(prior_file)
    empty = PoseBank((), np.ones(LATENT, np.float32), loaded.hash, loaded.units.hash)
    generator = PoseGenerator(loaded, empty, MelEncoder())
    entries = tuple(
        generator.describe(name, name, [(generator.encode(_speech(seed)), _head(seed, size))], "made")
        for name, seed, size in (("calm", 1, 0.2), ("lively", 2, 2.0))
    )
    return generator.with_bank(dataclasses.replace(empty, entries=entries))


def _speech(seed: int, seconds: float = 4.0) -> Speech:
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.uniform(0, 0.3, int(seconds * 5) + 1), 3200)[: int(seconds * 16000)]
    return Speech((loud * rng.normal(size=len(loud))).astype(np.float32), f"speech {seed}")


def _head(seed: int, size: float = 1.0, frames: int = 100) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.01 * size, (frames, 3))
    head = np.cumsum(steps, axis=0)
    return (head - head.mean(axis=0)).astype(np.float32)


def _style(generator: PoseGenerator, seed: int = 3) -> Style:
    provenance = StyleProvenance("clip.mp4", 0.0, 4.0, 4.0, 0.5, "m", open_basis().hash)
    return Style(
        "guest",
        np.ones(53, np.float32),
        np.zeros(53, np.float32),
        _head(seed),
        provenance,
        pose=pose_part(_speech(seed), _head(seed), generator),
    )


def _motion(frames: int = 100) -> Motion:
    return Motion(
        25.0,
        np.zeros((frames, 50), np.float32),
        np.zeros((frames, 3), np.float32),
        np.zeros((frames, 3), np.float32),
        np.zeros((frames, 2, 2), np.float32),
        open_basis().name,
        open_basis().hash,
    )


def test_steps_cover_the_speech_with_features_and_prosody() -> None:
    heard = encode_speech(_speech(1, 3.3), MelEncoder())
    assert heard.frames == 83
    assert len(heard.loudness) == 83
    steps = speech_steps(heard, 8)
    assert steps.shape == (11, MelEncoder.dimension + PROSODY_STEP_SIZE)
    np.testing.assert_allclose(steps[0, : MelEncoder.dimension], heard.features[:16].mean(axis=0), atol=1e-5)
    assert (steps[:, -2] >= steps[:, -1]).all()


def test_prior_survives_its_file_up_to_half_precision(prior_file: Path, generator: PoseGenerator) -> None:
    first, second = load_prior(prior_file), load_prior(prior_file)
    assert first.hash == second.hash
    assert first.units.hash == second.units.hash
    head = _head(1)
    np.testing.assert_array_equal(style_latents(first.prior.vq, head), style_latents(second.prior.vq, head))
    assert generator.hash == first.hash


def test_damaged_prior_is_named(prior_file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "broken.safetensors"
    damaged.write_bytes(prior_file.read_bytes()[:-100])
    with pytest.raises(ModelError, match="broken"):
        load_prior(damaged)


def test_constant_pose_gives_equal_rows(generator: PoseGenerator) -> None:
    heard = generator.encode(_speech(4))
    matrix = generator.matrix(heard, np.full((heard.frames, 3), 0.05, np.float32))
    known = matrix.rows[matrix.counts > 0]
    assert len(known) > 1
    np.testing.assert_allclose(known, np.broadcast_to(known[0], known.shape), atol=1e-4)


def test_bank_person_is_retrieved_by_the_clip_it_came_from(generator: PoseGenerator) -> None:
    heard = generator.encode(_speech(2))
    result = generator.generate(
        heard, PoseReference(_head(2, 2.0), generator.matrix(heard, _head(2, 2.0))), _settings()
    )
    assert result.neighbours[0].name == "lively"
    assert result.neighbours[0].share == 1.0
    assert result.neighbours[0].distance < 0.01


def _settings(**changes: object) -> HeadSettings:
    return HeadSettings(**changes)  # type: ignore[arg-type]


def test_same_seed_same_head_and_another_seed_another(generator: PoseGenerator) -> None:
    heard = generator.encode(_speech(5))
    one, again, other = (generator.generate(heard, None, _settings(seed=seed)).head for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other, atol=1e-3)
    assert one.shape == (heard.frames, 3)


def test_temperature_zero_needs_no_seed(generator: PoseGenerator) -> None:
    heard = generator.encode(_speech(5))
    heads = [generator.generate(heard, None, _settings(seed=seed, temperature=0.0)).head for seed in (1, 2)]
    np.testing.assert_array_equal(*heads)


def test_amount_scales_the_head() -> None:
    head = _head(5, 0.2)
    np.testing.assert_allclose(finished(head, _settings()), head, atol=1e-6)
    np.testing.assert_allclose(finished(head, _settings(amount=0.5)), 0.5 * head, atol=1e-6)
    assert not finished(head, _settings(amount=0.0)).any()


def test_generated_head_never_exceeds_the_top_speed(generator: PoseGenerator) -> None:
    head = generator.generate(generator.encode(_speech(5)), None, _settings(amount=2.0)).head
    assert np.linalg.norm(np.diff(head, axis=0), axis=1).max() <= TOP_SPEED_RADIANS_PER_SECOND / 25 + 1e-6


def test_style_changes_the_head(generator: PoseGenerator) -> None:
    heard = generator.encode(_speech(5))
    calm, lively = (
        generator.generate(heard, PoseReference(_head(1), entry.matrix), _settings(neighbours=1)).head
        for entry in generator.bank.entries
    )
    assert not np.allclose(calm, lively, atol=1e-3)


def test_head_from_the_reference_itself_is_its_own_motion(generator: PoseGenerator) -> None:
    heard = generator.encode(_speech(5, 2.0))
    reference = PoseReference(_head(6, frames=200))
    head = generator.generate(heard, reference, _settings(source="reference")).head
    windows = [np.abs(reference.head[i : i + len(head)] - head).max() for i in range(200 - len(head) + 1)]
    assert min(windows) < 1e-4


def test_users_own_clip_is_added_without_training_and_then_retrieved(generator: PoseGenerator, tmp_path: Path) -> None:
    style = _style(generator)
    generator.bank.added(bank_entry(style, generator)).save(tmp_path / "mine.safetensors")
    mine = generator.with_bank(PoseBank.load(tmp_path / "mine.safetensors"))
    posed = pose_for(_motion(), mine.encode(_speech(8)), style, _settings(), mine)
    assert posed.neighbours[0].name == "guest"
    assert posed.motion.head.any()


def test_engine_door_moves_the_head_only(generator: PoseGenerator) -> None:
    style = _style(generator)
    heard = generator.encode(_speech(8, 3.9))
    motion = _motion(100).replace(expression=np.ones((100, 50), np.float32))
    posed = pose_for(motion, heard, style, _settings(), generator)
    np.testing.assert_array_equal(posed.motion.expression, motion.expression)
    assert len(posed.motion) == 100
    # the sound ends before the motion: the head stays where it was
    np.testing.assert_array_equal(
        posed.motion.head[heard.frames - 1 :],
        posed.motion.head[heard.frames - 1 : heard.frames].repeat(100 - heard.frames + 1, axis=0),
    )
    assert posed.note == ""
    assert {n.name for n in posed.neighbours} <= {"calm", "lively"}


def test_style_without_a_matrix_moves_as_its_reference_and_says_so(generator: PoseGenerator) -> None:
    style = dataclasses.replace(_style(generator), pose=None)
    posed = pose_for(_motion(50), generator.encode(_speech(8, 2.0)), style, _settings(), generator)
    assert "guest" in posed.note
    assert posed.neighbours == ()
    assert posed.motion.head.any()
    with pytest.raises(ModelError, match="guest"):
        bank_entry(style, generator)


def test_parts_of_another_prior_never_meet(generator: PoseGenerator, prior_file: Path) -> None:
    style = _style(generator)
    assert style.pose is not None
    foreign = dataclasses.replace(style, pose=dataclasses.replace(style.pose, prior_hash="other"))
    assert pose_for(_motion(), generator.encode(_speech(8)), foreign, _settings(), generator).note
    bank = dataclasses.replace(generator.bank, prior_hash="other")
    with pytest.raises(ModelError, match="another pose prior"):
        generator.with_bank(bank)


def test_unknown_encoder_and_source_are_refused() -> None:
    with pytest.raises(ModelError, match="encoder called elephant, which is not here"):
        encoder_of_model({NAME_KEY: "elephant", HASH_KEY: "?"})
    with pytest.raises(SettingsError, match="elsewhere"):
        HeadSettings(source="elsewhere")


def test_an_installation_without_its_pose_prior_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights.bundled.cache_clear()
    monkeypatch.setattr(weights, "VENDOR_MODELS", tmp_path)
    with pytest.raises(ModelError, match=r"pose_prior\.safetensors is missing. Install the extension again"):
        PoseGenerator.load()
