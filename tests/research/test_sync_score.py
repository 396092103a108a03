# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync score finds known shifts, to a fraction of a frame, and the right way round."""

from __future__ import annotations

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE, Motion
from research.corpus.lip_prior import as_motion
from research.evaluation.sync import MouthRecording, centred_loudness, changes, lag_curve, peak_lag, score_sync


def _babble(seconds: np.ndarray) -> np.ndarray:
    """Opening and closing that never repeats, known at any time."""
    return np.sin(2 * np.pi * 2.1 * seconds) + 0.7 * np.sin(2 * np.pi * 3.3 * seconds + 1) + 0.4 * np.sin(seconds)


def _motion(late_seconds: float, frames: int = 250) -> Motion:
    values = np.zeros((frames, MOTION_SIZE), np.float32)
    values[:, EXPRESSION_SIZE] = 0.1 + 0.04 * _babble(np.arange(frames) / 25 - late_seconds)
    return as_motion(values, open_basis(), 25.0)


@pytest.mark.parametrize("milliseconds", [-120.0, -35.0, 0.0, 13.0, 60.0])
def test_shift_is_found_to_a_fraction_of_a_frame(milliseconds: float) -> None:
    seconds = np.arange(250) / 25
    lag = peak_lag(lag_curve(changes(_babble(seconds)), changes(_babble(seconds - milliseconds / 1000))))
    assert lag.milliseconds == pytest.approx(milliseconds, abs=4.0)
    assert lag.correlation > 0.9


def test_late_model_has_a_positive_lag() -> None:
    basis = open_basis()
    opening = mouth_opening(basis.landmarks(_motion(0.0))).astype(float)
    recording = MouthRecording(opening, Speech(np.zeros(10 * SAMPLE_RATE, np.float32), "made"))
    score = score_sync("made", [recording], lambda speech: _motion(0.04), basis)
    assert score.generated.milliseconds == pytest.approx(40.0, abs=3.0)
    assert score.seconds == 10.0


def test_loudness_is_neither_early_nor_late() -> None:
    seconds = np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(0).normal(size=len(seconds))
    level = _babble(seconds)
    speech = Speech((0.01 * noise * 10 ** (0.3 * level)).astype(np.float32), "made")
    frames = np.arange(200) / 25
    lag = peak_lag(lag_curve(changes(_babble(frames)), changes(centred_loudness(speech, 200))))
    assert abs(lag.milliseconds) < 5.0


def test_silence_gives_no_lag_but_no_crash() -> None:
    lag = peak_lag(lag_curve(np.zeros(100), np.zeros(100)))
    assert lag.correlation == 0.0
