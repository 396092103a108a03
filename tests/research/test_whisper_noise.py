# SPDX-License-Identifier: GPL-3.0-or-later
"""How the correction of noise is taught: who is heard, what a sample is, and that it learns to undo a disturbance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.models.speech.noise_network import NoiseConfig
from research.corpus import crowd
from research.corpus.speech import Utterance
from research.training import loop, noisy_speech
from research.training.loop import Schedule
from research.training.noisy_speech import ANYTHING, CLEAN, TALKERS, Part
from research.training.whisper_noise import NoiseSettings, draw, explained, train

pytestmark = pytest.mark.slow
CONFIG = NoiseConfig(values=4, other=6, width=16, dilations=(1,))
SCHEDULE = Schedule(steps=60, horizon_steps=60, cool_down_steps=20, learning_rate=1e-2, save_every=30)
SETTINGS = NoiseSettings(network=CONFIG, batch=4, crop_frames=50, schedule=SCHEDULE)


def made_part(seed: int, heldout: bool) -> Part:
    """Speech whose disturbance the other encoder tells: Whisper's values are off by what is in its first four."""
    rng = np.random.default_rng(seed)
    clean = rng.normal(size=(100, CONFIG.size))
    heard = np.stack([clean] * 3)
    off = rng.normal(size=(100, 4))
    heard[TALKERS, :, :4] += off
    heard[ANYTHING, :, :4] += off
    heard[CLEAN, :, 4:8] = 0.0
    heard[TALKERS:, :, 4:8] = off
    return Part(heldout, True, heard.astype(np.float16))


@pytest.fixture
def found() -> list[Part]:
    return [made_part(seed, seed >= 4) for seed in range(6)]


def test_a_sample_is_what_was_heard_and_the_same_moment_clean(found: list[Part]) -> None:
    batch = draw(found, SETTINGS, np.random.default_rng(0), TALKERS)
    assert batch.heard.shape == (4, 50, CONFIG.size) and batch.clean.shape == (4, 50, 8)
    torch.testing.assert_close(batch.heard[..., :4] - batch.heard[..., 4:8], batch.clean[..., :4], atol=5e-3, rtol=0)
    torch.testing.assert_close(batch.heard[..., -4:], batch.clean[..., 4:])


def test_where_nobody_speaks_there_is_nothing_to_correct(found: list[Part]) -> None:
    music = [replace(found[0], speaks=False)]
    for way in (CLEAN, TALKERS, ANYTHING):
        batch = draw(music, SETTINGS, np.random.default_rng(0), way)
        torch.testing.assert_close(batch.clean, torch.cat([batch.heard[..., :4], batch.heard[..., -4:]], dim=-1))


def test_it_learns_to_undo_a_disturbance_and_leaves_clean_sounds_alone(
    found: list[Part], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    before = explained(found, SETTINGS, TALKERS, None)
    network = train(found, SETTINGS, "made")
    assert explained(found, SETTINGS, CLEAN, None) == pytest.approx(1.0)
    assert explained(found, SETTINGS, TALKERS, network) > before + 0.3
    assert explained(found, SETTINGS, CLEAN, network) > 0.8


def test_readers_that_are_scored_with_are_neither_behind_nor_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [Utterance("librispeech", str(k), Path(f"{k}.ogg")) for k in range(1, 100)]
    for module in (crowd, noisy_speech):
        monkeypatch.setattr(module, "aligned_utterances", lambda data: people)
    monkeypatch.setattr(noisy_speech, "unlabelled_utterances", lambda data: [])
    monkeypatch.setattr(noisy_speech, "ONE_IN", {"librispeech": 1})
    scored = set(crowd.unheard_readers(Path()))
    assert len(scored) > 5
    assert not scored & set(noisy_speech.recordings(Path())) and not scored & set(crowd.heard_readers(Path()))
    assert scored | set(crowd.heard_readers(Path())) == set(crowd.readers(Path()))
