# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's own pose prior, through the engine's door: it lies beside the bank that it was trained with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import Speech
from core.engine.backends.head import HeadBackend
from core.engine.cache import ArtifactCache
from core.engine.pipeline import add_to_bank, generate_motion, regenerate_head
from core.errors import ModelError
from core.exchange.request import BankRequest, MotionRequest
from core.models.pose.generate import PoseGenerator
from core.models.pose.gpt import GptConfig, PoseGpt
from core.models.pose.prior import PosePrior, load_prior, save_prior
from core.models.pose.speech_steps import PROSODY_STEP_SIZE, encode_speech
from core.models.pose.units import fit_units, frame_features
from core.models.pose.vq import PoseVq, VqConfig
from core.models.speech.mel import MelEncoder
from core.pose.bank import BANK_FILE, PRIOR_FILE, PoseBank
from core.pose.statistics import STATISTICS
from core.settings import HeadSettings
from tests.engine_bench import Bench, make_bench
from tests.media import tone

SIZE = 3


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The engine with a small prior of another making in the bundled one's place."""
    found = make_bench(tmp_path, monkeypatch)
    bundled = _studio(tmp_path / "bundled", seed=1)
    monkeypatch.setattr(HeadBackend, "load", lambda context: HeadBackend(bundled, context))
    return found


def _studio(folder: Path, seed: int) -> PoseGenerator:
    """A tiny prior and a bank of one style, as ``research.training pose --clips`` leaves them in a folder."""
    torch.manual_seed(seed)
    vq = PoseVq(VqConfig(frames_per_step=4, codes=16, code_size=SIZE, width=12, dilations=(1,)))
    vq.train()(torch.cumsum(0.03 * torch.randn(8, 64, 3), dim=1))
    encoder = MelEncoder()
    size = encoder.dimension + PROSODY_STEP_SIZE
    gpt = PoseGpt(GptConfig(size, len(STATISTICS), code_size=SIZE, layers=1, width=16, heads=2, context=8))
    heard = encode_speech(Speech(tone(4.0), "a tone"), encoder)
    units = fit_units(frame_features(heard.features), 4, encoder.hash, seed=0)
    folder.mkdir()
    save_prior(PosePrior(vq, gpt, encoder.dimension).eval(), units, encoder.name, folder / PRIOR_FILE, {})
    loaded = load_prior(folder / PRIOR_FILE)
    bank = PoseBank((), np.ones(SIZE + 6, np.float32), loaded.hash, loaded.units.hash)
    generator = PoseGenerator(loaded, bank, encoder)
    head = (0.1 * np.sin(np.arange(heard.frames)[:, None] / [5.0, 7.0, 9.0])).astype(np.float32)
    entry = generator.describe(folder.name, folder.name, [(heard, head)], "made for a test")
    generator = generator.with_bank(dataclasses.replace(bank, entries=(entry,)))
    generator.bank.save(folder / BANK_FILE)
    return generator


def test_a_studios_bank_brings_its_own_prior(bench: Bench) -> None:
    own = _studio(bench.folder / "studio", seed=2)
    cache = ArtifactCache(bench.folder / "cache")
    pose = HeadSettings(bank=bench.folder / "studio" / BANK_FILE)
    result = generate_motion(MotionRequest(bench.audio, reference=bench.clip, head=pose), cache=cache)
    assert result.provenance.pose_hash == own.hash != load_prior(bench.folder / "bundled" / PRIOR_FILE).hash
    assert [neighbour.name for neighbour in result.neighbours] == ["studio"]
    assert result.style is not None and result.style.pose is not None
    assert result.style.pose.prior_hash == own.hash
    # the same clip with the bundled bank: the cache does not mix them up
    plain = regenerate_head(MotionRequest(bench.audio, reference=bench.clip), cache=cache)
    assert [neighbour.name for neighbour in plain.neighbours] == ["bundled"]
    assert len(bench.tracked_files) == 1


def test_a_clip_joins_a_studios_bank_by_its_own_prior(bench: Bench) -> None:
    own = _studio(bench.folder / "studio", seed=2)
    file = bench.folder / "studio" / BANK_FILE
    assert add_to_bank(BankRequest(file, reference=bench.clip, name="Ada")).names == ("studio", "Ada")
    assert PoseBank.load(file).prior_hash == own.hash


def test_a_bank_without_its_prior_is_one_sentence(bench: Bench) -> None:
    _studio(bench.folder / "studio", seed=2)
    folder = bench.folder / "studio"
    pose = HeadSettings(bank=folder / BANK_FILE)
    (folder / PRIOR_FILE).write_bytes((bench.folder / "bundled" / PRIOR_FILE).read_bytes())
    with pytest.raises(ModelError, match="made for another pose prior"):
        regenerate_head(MotionRequest(bench.audio, head=pose))
    (folder / PRIOR_FILE).unlink()
    with pytest.raises(ModelError, match=r"put its pose_prior\.safetensors beside it"):
        regenerate_head(MotionRequest(bench.audio, head=pose))
