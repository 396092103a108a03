# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds generated head motion: stress, statistics, stillness, top speed, settings."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import SettingsError
from core.pose.dead_zone import apply_dead_zone, limit_speed, remove_drift
from core.pose.prominence import moving_mean, prominence_peaks
from core.pose.statistics import RESTING, STATISTICS, pose_statistics
from core.settings import HeadSettings

RNG_HEAD = np.cumsum(np.random.default_rng(3).normal(0, 0.01, (400, 3)), axis=0)


def _loudness(peaks: list[int], frames: int = 250) -> np.ndarray:
    time = np.arange(frames)[:, None]
    return 0.4 + 0.5 * np.exp(-0.5 * ((time - np.array(peaks)) / 3.0) ** 2).sum(axis=1)


def test_moving_mean_keeps_length_and_constants_and_averages_neighbours() -> None:
    np.testing.assert_allclose(moving_mean(np.full((9, 2), 3.0), 5), np.full((9, 2), 3.0))
    np.testing.assert_allclose(moving_mean(np.arange(9.0), 3)[1:-1], np.arange(1.0, 8.0))


def test_prominence_peaks_are_where_the_voice_stands_out() -> None:
    found = prominence_peaks(_loudness([50, 120, 200]))
    assert len(found) == 3
    assert np.abs(found - [50, 120, 200]).max() <= 1


def test_even_voice_has_no_prominence() -> None:
    assert len(prominence_peaks(np.full(200, 0.7))) == 0


def test_statistics_tell_amplitude_from_the_shape_of_motion() -> None:
    names = list(STATISTICS)
    one, two = pose_statistics([RNG_HEAD]), pose_statistics([2 * RNG_HEAD])
    spread, skew = names.index("spread x"), names.index("skew x")
    assert two[spread] - one[spread] == pytest.approx(np.log(2), abs=0.05)
    assert two[skew] == pytest.approx(one[skew], abs=0.05)


def test_statistics_of_a_tilted_head_differ_in_its_rest_only() -> None:
    one, two = pose_statistics([RNG_HEAD]), pose_statistics([RNG_HEAD + np.radians([0.0, 5.0, 0.0])])
    np.testing.assert_allclose(two[RESTING] - one[RESTING], [0, 5, 0], atol=1e-6)
    np.testing.assert_allclose(one[3:-2], two[3:-2], atol=1e-6)


def test_nods_are_measured_on_prominent_syllables() -> None:
    peaks = [50, 120, 200]
    loudness = _loudness(peaks)
    nodding = np.zeros((250, 3))
    nodding[:, 0] = np.radians(3.0) * np.exp(-0.5 * ((np.arange(250)[:, None] - peaks) / 3.0) ** 2).sum(axis=1)
    nod = list(STATISTICS).index("nod")
    assert pose_statistics([nodding], [loudness])[nod] == pytest.approx(3.0, abs=0.3)
    assert np.isnan(pose_statistics([nodding])[nod])


def test_floor_of_zero_changes_nothing() -> None:
    np.testing.assert_allclose(apply_dead_zone(RNG_HEAD, 0.0), RNG_HEAD, atol=1e-6)


def test_movement_under_the_floor_is_taken_out_and_larger_movement_stays() -> None:
    time = np.arange(500)
    wobble = np.radians(0.3) * np.sin(time / 2.0)[:, None] * np.ones(3) / np.sqrt(3)
    turn = np.radians(15.0) / (1 + np.exp(-(time - 250) / 8.0))[:, None] * np.array([0.0, 1.0, 0.0])
    held = apply_dead_zone(wobble + turn, np.radians(0.5))
    still = np.abs(np.diff(held[20:180], axis=0)).max()
    assert still < 0.05 * np.abs(np.diff(wobble, axis=0)).max()
    assert held[-1, 1] - held[0, 1] == pytest.approx(np.radians(15.0), abs=np.radians(1.2))


def test_floor_makes_the_head_neither_late_nor_early() -> None:
    time = np.arange(400)
    turn = np.radians(15.0) * np.exp(-0.5 * ((time - 200) / 15.0) ** 2)[:, None] * np.array([0.0, 1.0, 0.0])
    assert abs(int(apply_dead_zone(turn, np.radians(1.0))[:, 1].argmax()) - 200) <= 1


def test_no_step_is_longer_than_the_top_speed() -> None:
    jump = np.zeros((100, 3))
    jump[50:, 1] = 0.5
    limited = limit_speed(jump, 0.05)
    assert np.linalg.norm(np.diff(limited, axis=0), axis=1).max() <= 0.05 + 1e-6
    np.testing.assert_allclose(limited[-1], jump[-1], atol=1e-6)
    np.testing.assert_allclose(limited[:30], 0.0, atol=1e-6)


def test_motion_within_the_top_speed_is_untouched() -> None:
    np.testing.assert_array_equal(limit_speed(RNG_HEAD, 1.0), RNG_HEAD.astype(np.float32))


@pytest.mark.parametrize(
    "change",
    [
        {"neighbours": 0},
        {"temperature": -0.1},
        {"top_p": 0.0},
        {"amount": 2.5},
        {"dead_zone_radians": 1.0},
        {"source": "x"},
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        HeadSettings(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [4, 15, 120])
def test_a_head_that_leans_comes_back_and_keeps_its_quicker_motion(seconds: int) -> None:
    time = np.arange(seconds * 25) / 25
    nods = np.radians(5.0) * np.sin(2 * np.pi * 0.5 * time)[:, None] * np.array([1.0, 0.3, 0.0])
    leaning = nods + np.radians([0.0, 6.0, -8.0])
    back = remove_drift(leaning)
    window = min(20 * 25, len(back))
    means = [back[first : first + window].mean(axis=0) for first in range(0, len(back) - window + 1, 25)]
    assert np.degrees(np.linalg.norm(means, axis=1)).max() < 1.3
    changed = np.degrees(np.diff(back, axis=0) - np.diff(leaning, axis=0)) * 25
    assert np.abs(changed).max() < 1.0


def test_a_head_that_rests_where_it_should_is_left_alone() -> None:
    time = np.arange(60 * 25) / 25
    head = np.radians(8.0) * np.sin(2 * np.pi * 0.4 * time)[:, None] * np.ones(3)
    np.testing.assert_allclose(remove_drift(head), head, atol=np.radians(0.2))
    assert np.array_equal(remove_drift(np.zeros((1, 3))), np.zeros((1, 3)))
