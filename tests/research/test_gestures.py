# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing, rounding and opening at the right time: known motion gets the known answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.closures import lip_gap
from core.face.motion import Motion
from research.corpus.phones import Phone
from research.corpus.synthetic_speech import SyntheticUtterance
from research.evaluation import languages as languages_module
from research.evaluation.gestures import (
    Gesture,
    GestureScore,
    LipSignals,
    gestures,
    lip_signals,
    local_minima,
    score_gestures,
)
from research.evaluation.languages import SpokenClip, languages_table, measure_languages, score_clips
from tests.face_fixtures import synthetic_face, talking_motion

FPS = 25.0
SECONDS = 8.0
# lips close, open, round and rest in turn, 0.2 s each
NAMES = ("m", "a", "u", "s")
EACH_SECONDS = 0.2


def _phones() -> tuple[Phone, ...]:
    count = round(SECONDS / EACH_SECONDS) - 2
    spoken = [Phone(NAMES[i % 4], (i + 1) * EACH_SECONDS, (i + 2) * EACH_SECONDS) for i in range(count)]
    return (Phone("SIL", 0.0, EACH_SECONDS), *spoken, Phone("SIL", SECONDS - EACH_SECONDS, SECONDS))


def _obedient_lips(late_seconds: float = 0.0) -> LipSignals:
    # a dip or a hump over each sound, everything half way elsewhere
    seconds = np.arange(round(SECONDS * FPS) + 1) / FPS - late_seconds
    gap, width = np.full(len(seconds), 0.5), np.full(len(seconds), 5.0)
    for phone in _phones():
        middle = 0.5 * (phone.start_seconds + phone.end_seconds)
        bump = np.exp(-0.5 * ((seconds - middle) / 0.04) ** 2)
        gap += {"m": -0.5, "a": 0.5}.get(phone.name, 0.0) * bump
        width -= {"u": 1.0}.get(phone.name, 0.0) * bump
    return LipSignals(gap, width, FPS)


def _scores(signals: LipSignals) -> dict[str, GestureScore]:
    return dict(score_gestures(signals, _phones(), "ipa", np.random.default_rng(0)))


def test_lips_that_obey_score_fully_and_above_chance() -> None:
    for score in _scores(_obedient_lips()).values():
        assert score.count >= 9
        assert score.share == 1.0
        assert score.chance < 0.9
        assert abs(score.error_seconds) < 0.01


@pytest.mark.parametrize("late_seconds", [0.05, -0.05])
def test_lateness_is_measured_with_its_sign(late_seconds: float) -> None:
    for score in _scores(_obedient_lips(late_seconds)).values():
        assert score.error_seconds == pytest.approx(late_seconds, abs=0.012)
        assert score.absolute_error_seconds == pytest.approx(0.05, abs=0.012)
        assert score.share == 1.0


def test_lips_that_come_a_sound_and_a_half_late_miss() -> None:
    # 0.3 s late: over m the lips are still wide open, over a they are rounding
    scores = _scores(_obedient_lips(0.3))
    assert scores["closure"].share == 0.0
    assert scores["opening"].share < 0.3


def test_a_mouth_that_never_moves_makes_no_gesture() -> None:
    frames = round(SECONDS * FPS) + 1
    for score in _scores(LipSignals(np.full(frames, 0.1), np.full(frames, 5.0), FPS)).values():
        assert (score.hits, score.random_hits, score.timed) == (0, 0, 0)
        assert score.count > 0


def test_motion_that_knows_nothing_of_the_speech_scores_like_chance() -> None:
    rng = np.random.default_rng(5)
    total = {"closure": GestureScore(), "rounding": GestureScore(), "opening": GestureScore()}
    for _ in range(20):
        noise = [np.convolve(rng.normal(size=240), np.ones(4) / 4, "valid")[:201] for _ in range(2)]
        for kind, score in _scores(LipSignals(noise[0], noise[1], FPS)).items():
            total[kind] += score
    for score in total.values():
        assert score.share == pytest.approx(score.chance, abs=0.08)


def test_neighbours_that_need_the_same_are_one_gesture() -> None:
    phones = [Phone("m", 0.0, 0.1), Phone("b", 0.1, 0.2), Phone("a", 0.2, 0.3), Phone("p", 0.3, 0.4)]
    assert gestures(phones, "ipa", "closure") == [Gesture(0.0, 0.2), Gesture(0.3, 0.4)]


def test_only_the_rounded_half_of_a_diphthong_is_wanted_round() -> None:
    assert gestures([Phone("AW", 0.2, 0.4)], "arpabet", "rounding") == [Gesture(pytest.approx(0.3), 0.4)]
    assert gestures([Phone("AW", 0.2, 0.4)], "arpabet", "opening") == [Gesture(0.2, pytest.approx(0.3))]


def test_scores_add_up() -> None:
    half, full = GestureScore(2, 1, 10, 5, 1, 0.02, 0.02), GestureScore(2, 2, 10, 1, 1, -0.04, 0.04)
    both = half + full
    assert (both.share, both.chance) == (0.75, 0.3)
    assert both.error_seconds == pytest.approx(-0.01)
    assert both.absolute_error_seconds == pytest.approx(0.03)
    assert np.isnan(GestureScore().share)


def test_minima_of_ends_and_flat_bottoms_count() -> None:
    assert local_minima(np.array([1.0, 2.0, 0.0, 0.0, 3.0, 1.0])).tolist() == [0, 2, 3, 5]


def test_the_gap_is_that_of_the_closure_guard() -> None:
    basis = synthetic_face().basis
    motion = talking_motion(basis)
    signals = lip_signals(basis.landmarks(motion), motion.fps)
    assert np.allclose(signals.gap, lip_gap(basis, motion), atol=1e-4)


def test_speech_without_a_sound_gives_nothing() -> None:
    scores = score_gestures(_obedient_lips(), [Phone("SIL", 0.0, 1.0)], "ipa", np.random.default_rng(0))
    assert {score.count for score in scores.values()} == {0}


def test_the_table_shows_each_share_beside_its_chance() -> None:
    row = score_clips("Test", [SpokenClip(_obedient_lips(), _phones(), "ipa")] * 2)
    assert row is not None
    table = languages_table([row])
    assert table.columns.count("chance") == 3
    assert table.rows[0][:4] == ("Test", "16", "20", "1.00")
    assert all(len(line) == len(table.columns) for line in table.rows)
    assert score_clips("Nothing", []) is None


def test_languages_are_scored_from_their_synthetic_speech_alone_where_no_recordings_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.zeros(round(SECONDS * 16_000), np.float32)
    spoken = [
        SyntheticUtterance(samples, _phones(), "ipa", language, "voice", heldout=True)
        for language in ("German", "Hindi")
    ]
    heard: list[Speech] = []
    monkeypatch.setattr(languages_module, "heldout_utterances", lambda: iter(spoken))

    def generate(speech: Speech) -> Motion:
        heard.append(speech)
        return _jaw_follows(_phones())

    rows = {row.name: row for row in measure_languages(tmp_path, generate)}
    assert list(rows) == ["German", "Hindi", languages_module.ALL_SYNTHETIC]
    assert len(heard) == 2
    assert rows["German"].closure.share == 1.0
    assert rows["German"].opening.share == 1.0
    both = rows[languages_module.ALL_SYNTHETIC]
    assert both.closure.count == 2 * rows["Hindi"].closure.count


def _jaw_follows(phones: Sequence[Phone]) -> Motion:
    # shut for m, wide for a, half open otherwise
    seconds = np.arange(round(SECONDS * FPS) + 1) / FPS
    angle = np.full(len(seconds), 0.08)
    for phone in phones:
        middle = 0.5 * (phone.start_seconds + phone.end_seconds)
        angle += {"m": -0.08, "a": 0.08}.get(phone.name, 0.0) * np.exp(-0.5 * ((seconds - middle) / 0.05) ** 2)
    motion = talking_motion(open_basis(), len(seconds))
    jaw = np.zeros((len(seconds), 3), np.float32)
    jaw[:, 0] = angle
    return motion.replace(expression=np.zeros_like(motion.expression), jaw=jaw)
