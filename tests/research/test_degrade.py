# SPDX-License-Identifier: GPL-3.0-or-later
"""Degraded speech: every amount is what its name says, and nothing moves in time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE
from research.evaluation import degrade


def _speech(seconds: float = 2.0, seed: int = 0) -> NDArray[np.float32]:
    """Noise in syllables: bursts of 4 Hz."""
    count = round(seconds * SAMPLE_RATE)
    envelope = np.maximum(np.sin(2 * np.pi * 4 * np.arange(count) / SAMPLE_RATE), 0)
    return (0.1 * envelope * np.random.default_rng(seed).normal(size=count)).astype(np.float32)


def _band_power(samples: NDArray[np.float32], low_hz: float, high_hz: float) -> float:
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(power[(hertz >= low_hz) & (hertz < high_hz)].sum())


CHANGES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "noise": lambda s: degrade.add_noise(s, degrade.pink_noise(len(s), np.random.default_rng(1)), 10.0),
    "babble": lambda s: degrade.add_noise(
        s, degrade.babble([_speech(1.0, i) for i in range(8)], len(s), np.random.default_rng(1)), 10.0
    ),
    "telephone": degrade.telephone,
    "quiet": degrade.quiet,
    "clipped": degrade.clipped,
    "mp3": degrade.mp3,
    "reverberant": lambda s: degrade.reverberant(s, 0.6, np.random.default_rng(1)),
}


@pytest.mark.parametrize("name", list(CHANGES))
@pytest.mark.parametrize("count", [32_000, 31_537])
def test_length_type_and_time_are_kept(name: str, count: int) -> None:
    clean = _speech()[:count]
    changed = CHANGES[name](clean)
    assert changed.shape == clean.shape
    assert changed.dtype == np.float32
    spectrum = np.fft.rfft(changed, 2 * count) * np.conj(np.fft.rfft(clean, 2 * count))
    assert np.argmax(np.fft.irfft(spectrum)) == 0


@pytest.mark.parametrize("name", list(CHANGES))
def test_the_same_seed_gives_the_same_sound(name: str) -> None:
    np.testing.assert_array_equal(CHANGES[name](_speech()), CHANGES[name](_speech()))


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0, -5.0])
def test_signal_to_noise_ratio_is_what_it_says(snr_db: float) -> None:
    clean = _speech()
    noise = degrade.pink_noise(len(clean), np.random.default_rng(0)) * np.float32(3.7)
    added = degrade.add_noise(clean, noise, snr_db) - clean
    found = 10 * np.log10(np.square(clean).mean() / np.square(added).mean())
    assert found == pytest.approx(snr_db, abs=0.05)


def test_pink_noise_has_the_same_power_in_every_octave() -> None:
    noise = degrade.pink_noise(20 * SAMPLE_RATE, np.random.default_rng(0))
    octaves = [_band_power(noise, low, 2 * low) for low in (60, 120, 240, 480, 960, 1920, 3840)]
    assert max(octaves) / min(octaves) < 1.2
    assert np.square(noise).mean() == pytest.approx(1.0, abs=1e-3)


def test_babble_is_made_of_all_its_voices_at_one_level() -> None:
    tones = [
        (amplitude * np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)
        for hertz, amplitude in zip(range(200, 1400, 200), (0.01, 0.1, 1, 1, 0.1, 0.01), strict=True)
    ]
    mixed = degrade.babble(tones, SAMPLE_RATE, np.random.default_rng(0))
    powers = [_band_power(mixed, hertz - 50, hertz + 50) for hertz in range(200, 1400, 200)]
    assert max(powers) / min(powers) < 1.05


def test_telephone_passes_its_band_and_nothing_else() -> None:
    noise = np.random.default_rng(0).normal(size=4 * SAMPLE_RATE).astype(np.float32) * 0.1
    heard = degrade.telephone(noise)
    inside = _band_power(heard, 450, 3000) / _band_power(noise, 450, 3000)
    below = _band_power(heard, 20, 150) / _band_power(noise, 20, 150)
    above = _band_power(heard, 4000, 8000) / _band_power(noise, 4000, 8000)
    assert inside == pytest.approx(1.0, abs=0.1)
    assert below < 1e-3
    assert above < 1e-3


def test_quiet_is_thirty_decibels_down_in_sixteen_bit_steps() -> None:
    clean = _speech()
    heard = degrade.quiet(clean)
    assert 10 * np.log10(np.square(clean).mean() / np.square(heard).mean()) == pytest.approx(30, abs=0.1)
    steps = heard * 32767.0
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)


def test_clipped_is_cut_at_full_scale_twenty_decibels_under_its_peak() -> None:
    clean = _speech()
    heard = degrade.clipped(clean)
    over = np.abs(clean) > np.abs(clean).max() / 10
    assert (np.abs(heard[over]) == 1.0).all()
    assert np.abs(heard[~over]).max() <= 1.0
    np.testing.assert_allclose(heard[~over], clean[~over] * 10 / np.abs(clean).max(), rtol=1e-4, atol=1e-7)


def test_mp3_loses_something_but_keeps_the_words() -> None:
    clean = _speech()
    likeness = np.corrcoef(degrade.mp3(clean), clean)[0, 1]
    assert 0.7 < likeness < 0.9999


@pytest.mark.parametrize("rt60", [0.3, 0.6, 1.2])
def test_a_rooms_power_falls_by_sixty_decibels_in_its_time(rt60: float) -> None:
    tail = degrade.room_response(rt60, np.random.default_rng(0))[1:]
    # Schroeder's backward integral; the slope between 5 and 35 dB down, as ISO 3382 reads it
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.square(tail).sum())
    stretch = np.flatnonzero((left < -5) & (left > -35))
    slope = np.polyfit(stretch / SAMPLE_RATE, left[stretch], 1)[0]
    assert -60 / slope == pytest.approx(rt60, rel=0.08)
