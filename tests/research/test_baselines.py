# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines do what their names say, on clips small enough to check by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE
from research.corpus.clips import Clip
from research.corpus.phones import Phone, PhoneTrack, aligned_phones
from research.evaluation.baselines import (
    LOUDNESS_LEVELS,
    ConstantFace,
    FittingClip,
    MeanTalker,
    person_weights,
    relative_loudness,
    weighted_least_squares,
)
from research.evaluation.baselines_viseme import VISEMES, VisemeTiming, viseme_of, viseme_weights
from research.training.motion_data import MotionPair

ROOT = Path(__file__).resolve().parents[2]
HELD = VisemeTiming(0.01, 0.0)


def _speech(levels: list[float]) -> Speech:
    rng = np.random.default_rng(0)
    samples = np.concatenate([level * rng.uniform(-1, 1, SAMPLE_RATE) for level in levels])
    return Speech(samples.astype(np.float32), "made")


def _fitting_clip(person: str, speech: Speech, jaw: float) -> FittingClip:
    frames = round(speech.seconds * 25)
    level = relative_loudness(speech, frames)
    motion = np.zeros((frames, MOTION_SIZE), np.float32)
    motion[:, 50] = jaw * level
    pair = MotionPair(
        Clip("test", person, Path(person)),
        np.zeros((4 * frames, 257), np.float16),
        motion,
        np.zeros((frames, 478, 3), np.float32),
    )
    return FittingClip(pair, speech)


def test_constant_face_never_moves_and_covers_the_speech() -> None:
    motion = ConstantFace().motion(Clip("test", "a", Path("a")), _speech([1.0, 0.1]))
    assert motion is not None
    assert len(motion) == 50
    assert np.abs(open_basis().displacement(motion)).max() == 0.0


def test_mean_talker_opens_with_loudness_as_the_training_people_do() -> None:
    speech = _speech([1.0, 0.1, 0.01, 0.001])
    talker = MeanTalker.fit([_fitting_clip("a", speech, 0.2), _fitting_clip("b", speech, 0.4)])
    motion = talker.motion(Clip("test", "c", Path("c")), speech)
    assert motion is not None
    # the mean of two people: 0.3 radians at the peak, in proportion below it
    expected = 0.3 * relative_loudness(speech, len(motion))
    np.testing.assert_allclose(motion.jaw[:, 0], expected, atol=0.02)
    assert talker.table.shape == (LOUDNESS_LEVELS, MOTION_SIZE)


def test_long_talker_has_no_more_say_than_a_short_one() -> None:
    short, long = _fitting_clip("a", _speech([1.0]), 0.2), _fitting_clip("b", _speech([1.0]), 0.4)
    weights = person_weights([short, long, long, long])
    assert weights[0] == pytest.approx(sum(weights[1:]))
    rows = [np.ones((25, 1))] * 4
    targets = [np.zeros((25, 1)), *[np.ones((25, 1))] * 3]
    assert weighted_least_squares(rows, targets, weights)[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_every_phone_has_one_viseme() -> None:
    phones = [phone for group in VISEMES for phone in group]
    assert len(phones) == len(set(phones)) == 40
    assert viseme_of("M") == viseme_of("P") != viseme_of("F")
    assert viseme_of("no phone") == viseme_of("SIL") == 0


def test_viseme_is_held_over_its_phone() -> None:
    track = PhoneTrack((Phone("SIL", 0, 0.4), Phone("M", 0.4, 0.8), Phone("AA", 0.8, 2.0)), "transcript")
    weights = viseme_weights(track, 50, HELD)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert weights[5, viseme_of("SIL")] == weights[15, viseme_of("M")] == weights[30, viseme_of("AA")] == 1.0


def test_smoothing_blends_neighbours_and_delay_moves_them() -> None:
    track = PhoneTrack((Phone("M", 0, 0.8), Phone("AA", 0.8, 2.0)), "transcript")
    smooth = viseme_weights(track, 50, VisemeTiming(1.5, 0.0))
    assert 0.3 < smooth[20, viseme_of("M")] < 0.7
    late = viseme_weights(track, 50, VisemeTiming(1.5, 2.0))
    np.testing.assert_allclose(late[10:30], smooth[8:28], atol=1e-9)


def test_flite_sentence_is_aligned_and_remembered(tmp_path: Path) -> None:
    if importlib.util.find_spec("pocketsphinx") is None:
        pytest.skip("pocketsphinx is not installed (benchmark only)")
    speech = load_speech(ROOT / "demo" / "input" / "speech.ogg", 0.0, 4.0)
    track = aligned_phones("demo", speech, None, tmp_path)
    assert track is not None
    spoken = [phone for phone in track.phones if phone.name != "SIL"]
    assert len(spoken) > 15
    assert all(viseme_of(phone.name) > 0 for phone in spoken)
    assert 0 <= spoken[0].start_seconds < spoken[-1].end_seconds <= speech.seconds + 0.05
    assert aligned_phones("demo", speech, None, tmp_path) == track
    assert len(list(tmp_path.glob("demo-*.json"))) == 1
