# SPDX-License-Identifier: GPL-3.0-or-later
"""Pseudo-labels: who gets them, what several teachers say together, and how far readers move in training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.models.adamesh.generate import ExpressionGenerator
from core.models.adamesh.network import ExpressionNetwork
from core.models.speech.mel import MelEncoder
from research.corpus import speech as corpus
from research.corpus.crowd import unheard_readers
from research.corpus.speech import Utterance
from research.training.expression import pseudo_labels
from research.training.expression.data import READERS, FaceSource, SamplingSettings, shares, with_readers
from research.training.expression.pseudo_labels import Teachers, labelled_utterances, pseudo_labelled
from research.training.expression.train import shipped_settings, teacher_settings, with_pseudo_labels
from research.training.feature_bank import FacePair
from tests.research.test_training import TINY


def _generator(seed: int) -> ExpressionGenerator:
    torch.manual_seed(seed)
    network = ExpressionNetwork(replace(TINY, feature_size=MelEncoder.dimension))
    return ExpressionGenerator(network, MelEncoder(), open_basis(), f"hash {seed}", "cpu")


def _speech(seconds: float = 2.0) -> Speech:
    samples = np.random.default_rng(3).normal(size=round(seconds * SAMPLE_RATE)) * 0.1
    return Speech(samples.astype(np.float32), "made")


def test_teachers_say_the_mean_of_what_each_says() -> None:
    speech = _speech()
    both = Teachers([_generator(0), _generator(1)]).label(speech)
    each = [Teachers([_generator(seed)]).label(speech) for seed in (0, 1)]
    assert both.shape == (50, 53) and not np.array_equal(each[0], each[1])
    np.testing.assert_allclose(both, np.mean(each, axis=0), atol=1e-6)


def test_a_recording_is_labelled_once_and_by_other_teachers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudo_labels, "CACHE_ROOT", tmp_path)
    monkeypatch.setattr(Utterance, "load", lambda self: _speech())
    utterance = Utterance("librispeech", "61", Path("61-70968-0000.ogg"))
    first, again, other = (
        pseudo_labelled([utterance], Teachers(teachers))[0]
        for teachers in ([_generator(0)], [_generator(0)], [_generator(1)])
    )
    assert (first.clip.group, first.clip.individual, len(first.motion)) == (READERS, "61", 50)
    assert len(first.log_power) == 200
    assert np.array_equal(first.motion, again.motion) and not np.array_equal(first.motion, other.motion)
    assert len(list(tmp_path.iterdir())) == 2


def test_readers_that_anything_is_scored_with_get_no_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "speech" / "librispeech"
    folder.mkdir(parents=True)
    for speaker in range(100, 160):
        (folder / f"{speaker}-1-0000.ogg").touch()
    monkeypatch.setattr(corpus, "_grid", lambda data: [])
    chosen = {utterance.speaker for utterance in labelled_utterances(tmp_path)}
    assert chosen and not chosen & {"100", "110", "120", "130", "140", "150"}
    scored_with = {utterance.speaker for utterance in unheard_readers(tmp_path)}
    assert scored_with and not chosen & scored_with


def test_labels_are_half_as_flat_beside_filmed_people_as_the_teachers_made_them() -> None:
    rng = np.random.default_rng(0)

    def pair(person: str, spread: float) -> FacePair:
        motion = (spread * rng.normal(size=(300, 53))).astype(np.float32)
        return FacePair(person, np.zeros((1, 600, 8), np.float16), motion, np.zeros(12, np.float32))

    settings = SamplingSettings(
        batch=8, shares=((READERS, 1.0),), varied_share=0.0, style_share=0.0, crop_frames=50, reference_frames=20
    )
    alone = FaceSource({READERS: [pair("reader", 0.1)]}, settings)
    filmed = FaceSource(
        {"s1": [pair("s1", 0.4)], READERS: [pair("reader", 0.1)]},
        replace(settings, shares=(("s1", 1e-9), (READERS, 1.0))),
    )
    spreads = [float(source.draw(np.random.default_rng(1)).motion.std()) for source in (alone, filmed)]
    # filmed people move four times as far: the square root of it
    assert 0.07 < spreads[0] < 0.11 and spreads[1] == pytest.approx(2 * spreads[0], rel=0.05)


def test_a_batch_keeps_its_filmed_samples_when_readers_join() -> None:
    plain = teacher_settings().sampling
    joined = with_pseudo_labels(teacher_settings()).sampling
    assert joined.batch == 2 * plain.batch
    assert dict(joined.shares) == pytest.approx({**{n: s / 2 for n, s in plain.shares}, READERS: 0.5})
    assert sum(share for _, share in with_readers(shares(0.2), 0.3)) == pytest.approx(1.0)


@pytest.mark.parametrize("encoder", ["bundled", "whisper"])
def test_what_ships_learns_from_readers_and_its_teachers_do_not(encoder: str) -> None:
    assert READERS in dict(shipped_settings(encoder).sampling.shares)
    assert READERS not in dict(teacher_settings().sampling.shares)
