# SPDX-License-Identifier: GPL-3.0-or-later
"""Prosody features: what they measure, when, and what they must not depend on."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE
from core.models.speech.prosody import (
    HOP,
    LOUDNESS,
    LOUDNESS_CHANGE,
    PITCH,
    PROSODY_SIZE,
    VOICING,
    _best_path,
    _candidates,
    prosody,
)

pytestmark = pytest.mark.slow


def fundamental_hertz(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) f0 at 50 Hz, 0 where unvoiced."""
    found = _candidates(samples, -(-len(samples) // HOP))
    return _best_path(found.hertz, found.strength)


def _voice(hertz: NDArray[np.float64], harmonics: int = 12) -> NDArray[np.float32]:
    """A buzz that follows ``hertz`` (one value per sample), its overtones falling by 6 dB an octave."""
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    parts = [np.sin(k * phase + k) / k * (k * hertz < 7000) for k in range(1, harmonics + 1)]
    return (0.1 * np.sum(parts, axis=0)).astype(np.float32)


def _glide(low: float, high: float, seconds: float = 2.0) -> NDArray[np.float64]:
    return np.geomspace(low, high, int(seconds * SAMPLE_RATE))


@pytest.mark.parametrize(("low", "high"), [(70, 140), (120, 260), (430, 180)])
def test_pitch_of_a_glide_is_within_three_percent(low: float, high: float) -> None:
    wanted = _glide(low, high)
    found = fundamental_hertz(_voice(wanted))
    inner = slice(2, -2)
    assert np.abs(found / wanted[::HOP] - 1)[inner].max() < 0.03


def test_pitch_holds_in_noise_at_ten_decibels() -> None:
    wanted = _glide(100, 200)
    voice = _voice(wanted)
    noise = np.random.default_rng(0).normal(size=len(voice)) * voice.std() * 10 ** (-10 / 20)
    found = fundamental_hertz((voice + noise).astype(np.float32))
    right = np.abs(found / wanted[::HOP] - 1) < 0.03
    assert right.mean() > 0.95


def test_pitch_is_octaves_from_the_clips_median() -> None:
    steps = np.repeat([100.0, 200.0, 400.0], SAMPLE_RATE)
    pitch = prosody(_voice(steps))[:, PITCH]
    assert np.median(pitch[5:45]) == pytest.approx(-1.0, abs=0.02)
    assert np.median(pitch[55:95]) == pytest.approx(0.0, abs=0.02)
    assert np.median(pitch[105:145]) == pytest.approx(1.0, abs=0.02)


def test_noise_is_unvoiced_and_a_tone_is_voiced() -> None:
    noise = np.random.default_rng(1).normal(size=SAMPLE_RATE).astype(np.float32) * 0.1
    unvoiced, voiced = prosody(noise), prosody(_voice(_glide(150, 151, 1.0)))
    assert np.median(unvoiced[:, VOICING]) < 0.4
    assert (unvoiced[:, PITCH] == 0).mean() > 0.9
    assert voiced[3:-3, VOICING].min() > 0.95


def test_hum_under_a_pause_is_no_voice() -> None:
    voice = _voice(_glide(150, 151, 2.0))
    voice[SAMPLE_RATE:] *= 10 ** (-65 / 20)
    pause = prosody(voice)[55:]
    assert not pause[:, [PITCH, VOICING]].any()
    assert pause[:, LOUDNESS].max() < 0.1


def test_mains_hum_is_neither_loud_nor_voiced() -> None:
    voice = _voice(_glide(150, 250, 2.0))
    voice[SAMPLE_RATE:] = 0
    hum = 0.03 * np.sin(2 * np.pi * 60 * np.arange(len(voice)) / SAMPLE_RATE)
    values = prosody((voice + hum).astype(np.float32))
    assert values[55:-3, LOUDNESS].max() < 0.5
    assert not values[55:-3, PITCH].any()
    assert fundamental_hertz(voice)[5:45].min() > 140


@pytest.mark.parametrize("gain", [0.001, 0.3, 30.0])
def test_gain_changes_nothing(gain: float) -> None:
    rng = np.random.default_rng(2)
    sound = _voice(_glide(90, 300)) * (0.2 + np.sin(np.arange(2 * SAMPLE_RATE) / 3000) ** 2)
    sound = (sound + rng.normal(size=len(sound)) * 0.003).astype(np.float32)
    np.testing.assert_allclose(prosody(sound * np.float32(gain)), prosody(sound), atol=2e-3)


def test_silence_gives_zeros() -> None:
    values = prosody(np.zeros(SAMPLE_RATE, np.float32))
    assert values.shape == (50, PROSODY_SIZE)
    assert not values.any()


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 16000, 163_841])
def test_length_is_seconds_times_fifty_rounded_up(length: int) -> None:
    values = prosody(_voice(np.full(length, 120.0)))
    assert values.shape == (-(-length // 320), PROSODY_SIZE)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_frame_i_describes_the_sound_around_i_fiftieths() -> None:
    sound = np.zeros(SAMPLE_RATE, np.float32)
    sound[16 * HOP - 100 : 16 * HOP + 100] = np.random.default_rng(3).normal(size=200) * 0.1
    values = prosody(sound)
    assert values[:, LOUDNESS].argmax() == 16
    # symmetric about frame 16, and further away than the window only what the filter rings
    assert values[15, LOUDNESS] == pytest.approx(values[17, LOUDNESS], abs=0.1)
    assert values[:15, LOUDNESS].max() < 0.5
    assert not values[:12, LOUDNESS].any()
    assert values[:16, LOUDNESS_CHANGE].max() > 0 > values[17:, LOUDNESS_CHANGE].min()


def test_loudness_is_relative_to_the_loud_parts_and_floored() -> None:
    voice = _voice(_glide(150, 151, 4.0))
    voice[SAMPLE_RATE : 2 * SAMPLE_RATE] *= np.exp(-4)
    voice[3 * SAMPLE_RATE :] = 0
    loudness = prosody(voice)[:, LOUDNESS]
    assert np.median(loudness[:45]) == pytest.approx(1.0, abs=0.02)
    assert np.median(loudness[55:95]) == pytest.approx(0.5, abs=0.02)
    assert np.median(loudness[155:]) == 0


def test_added_silence_does_not_change_the_speech() -> None:
    voice = _voice(_glide(100, 200)) * np.hanning(2 * SAMPLE_RATE).astype(np.float32)
    alone = prosody(voice)
    longer = prosody(np.concatenate([voice, np.zeros(60 * SAMPLE_RATE, np.float32)]))
    np.testing.assert_allclose(longer[: len(alone) - 1], alone[:-1], atol=1e-5)


def test_a_long_sound_is_measured_as_its_parts_are() -> None:
    sound = _voice(_glide(80, 320, 24.0)) * (0.5 + 0.4 * np.sin(np.arange(24 * SAMPLE_RATE) / 5000))
    sound = sound.astype(np.float32)
    whole, start = fundamental_hertz(sound), fundamental_hertz(sound[: 12 * SAMPLE_RATE])
    np.testing.assert_allclose(start[:-50], whole[: len(start) - 50], rtol=1e-3)


def test_memory_for_half_an_hour_stays_small() -> None:
    sound = np.random.default_rng(4).normal(size=300 * SAMPLE_RATE).astype(np.float32)
    tracemalloc.start()
    prosody(sound)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # five minutes; what grows with length is some hundred bytes a frame
    assert peak < 40e6
