# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of head motion answer to what they are said to measure."""

from __future__ import annotations

import numpy as np
import pytest

from research.evaluation.pose.metrics import (
    BANDS_HZ,
    band_decibel,
    compare_pose,
    following,
    manner,
    manner_distance,
    mean_speed,
    steadiness,
    stress_alignment,
)


def _wave(hertz: float, degrees: float, frames: int = 400) -> np.ndarray:
    return np.radians(degrees) * np.sin(2 * np.pi * hertz * np.arange(frames) / 25)[:, None] * np.ones(3)


def test_a_head_compared_with_itself_is_perfect() -> None:
    head = _wave(0.5, 4.0) + _wave(2.0, 0.5)
    same = compare_pose([head], [head], [np.ones(len(head))])
    assert same.frechet_pose == pytest.approx(0.0, abs=1e-4)
    assert same.frechet_speed == pytest.approx(0.0, abs=1e-4)
    assert same.spectrum_decibel == 0.0


def test_still_head_is_far_and_slow() -> None:
    head = _wave(0.5, 4.0)
    still = compare_pose([head], [np.zeros_like(head)], [np.ones(len(head))])
    assert still.frechet_pose > 1.0
    assert (still.speed, still.diversity, still.stress) == (0.0, 0.0, 0.0)


def test_speed_is_in_degrees_a_second() -> None:
    turn = np.zeros((26, 3))
    turn[:, 1] = np.radians(np.arange(26) * 2.0)
    assert mean_speed(turn) == pytest.approx(50.0)


def test_power_lies_in_the_band_of_the_motion_and_doubling_is_six_decibel() -> None:
    for index, (low, high) in enumerate(BANDS_HZ):
        power = band_decibel([_wave((low + high) / 2, 3.0)]).mean(axis=0)
        assert power.argmax() == index
    one, two = band_decibel([_wave(1.0, 3.0)]), band_decibel([_wave(1.0, 6.0)])
    assert (two - one)[:, 1] == pytest.approx(6.02, abs=0.1)


def test_motion_that_follows_stress_is_told_from_motion_that_does_not() -> None:
    rng = np.random.default_rng(0)
    peaks = np.cumsum(rng.integers(15, 40, 30))
    frames = int(peaks[-1]) + 40
    bump = np.exp(-0.5 * ((np.arange(frames)[:, None] - peaks) / 3.0) ** 2).sum(axis=1)
    loudness = 0.3 + 0.6 * bump
    nod = np.zeros((frames, 3))
    nod[:, 0] = 0.05 * np.cumsum(bump * np.sin(np.arange(frames)))
    assert stress_alignment(nod, loudness) > 0.5
    other = np.cumsum(rng.normal(0, 0.01, (frames, 3)), axis=0)
    assert stress_alignment(other, loudness) < 0.3


def test_a_head_that_moves_before_each_stress_follows_it_ahead_and_beyond_chance() -> None:
    rng = np.random.default_rng(0)
    peaks = np.cumsum(rng.integers(12, 40, 80))
    frames = int(peaks[-1]) + 40
    bumps = lambda ahead: np.exp(-0.5 * ((np.arange(frames)[:, None] - peaks + ahead) / 3.0) ** 2).sum(axis=1)  # noqa: E731
    speed = bumps(5)
    head = np.zeros((frames, 3))
    head[:, 0] = 0.02 * np.cumsum(speed * np.where(np.arange(frames) // 25 % 2, 1, -1))
    found = following("made", head, 0.3 + 0.6 * bumps(0))
    assert found.stress > 0.8 > 0.3 > found.stress_chance
    assert found.lead_seconds == pytest.approx(0.2, abs=0.041)
    other = following("other", np.cumsum(rng.normal(0, 0.01, (frames, 3)), axis=0), 0.3 + 0.6 * bumps(0))
    assert abs(other.stress - other.stress_chance) < 0.15
    assert following("still", np.zeros((frames, 3)), bumps(0)).stress == 0.0


def test_manner_is_nearer_to_the_same_persons_other_half() -> None:
    rng = np.random.default_rng(1)
    slow = lambda size: np.cumsum(rng.normal(0, size, (500, 3)), axis=0)  # noqa: E731
    lively, again, calm = slow(0.02), slow(0.02), slow(0.002)
    assert manner_distance(manner([lively]), manner([again])) < manner_distance(manner([lively]), manner([calm]))


def test_jumps_and_drift_are_seen() -> None:
    steady = _wave(0.5, 4.0, 2000)
    assert steadiness(steady, 100.0).over == 0.0
    jumping = steady.copy()
    jumping[1000:] += 0.3
    found = steadiness(jumping, 100.0)
    assert found.over == pytest.approx(1 / 1999)
    assert found.top_speed > 400
    drifting = steady + np.linspace(0, 0.5, 2000)[:, None]
    assert steadiness(drifting, 100.0).furthest_rest > 20
    assert steadiness(drifting, 100.0).last_half > 10 > steadiness(steady, 100.0).last_half
