# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion of any length from a short recording: seamless, at home, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.pose.reference_motion import extend_head_motion

FPS = 25.0


def recording(seconds: float = 8.0, seed: int = 0) -> np.ndarray:
    """Smooth wandering of a few degrees, as a talking head does."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * FPS)) / FPS
    head = np.zeros((len(time), 3))
    for hertz in (0.2, 0.5, 1.1, 2.3):
        phase = rng.uniform(0, 2 * np.pi, 3)
        head += rng.normal(0, 0.04 / (1 + hertz), 3) * np.sin(2 * np.pi * hertz * time[:, None] + phase)
    return head - head.mean(axis=0)


def speeds(head: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(head, axis=0), axis=1)


def jumps(head: np.ndarray) -> np.ndarray:
    """Frame-to-frame change of velocity."""
    return np.linalg.norm(np.diff(head, n=2, axis=0), axis=1)


@pytest.mark.parametrize("frames", [1, 49, 200, 201, 1500, 15_000])
def test_any_length_is_exactly_met(frames: int) -> None:
    assert extend_head_motion(recording(), frames, seed=1).shape == (frames, 3)


def test_long_enough_recording_is_played_as_it_is() -> None:
    head = recording()
    found = extend_head_motion(head, 120, seed=3)
    starts = [s for s in range(len(head) - 119) if np.allclose(head[s : s + 120], found, atol=1e-6)]
    assert len(starts) == 1


@pytest.mark.parametrize("seed", range(5))
def test_seams_move_no_faster_and_jerk_no_harder_than_the_recording(seed: int) -> None:
    head = recording(seed=seed)
    found = extend_head_motion(head, 3000, seed)
    assert speeds(found).max() <= speeds(head).max() * 1.05
    # a seam is where the play-back turns; nothing in the whole result stands out
    assert jumps(found).max() <= jumps(head).max() * 1.5
    assert np.percentile(jumps(found), 99) <= np.percentile(jumps(head), 95) * 1.5


def test_one_way_drift_does_not_accumulate() -> None:
    turning = np.linspace(-0.3, 0.3, 250)[:, None] * np.array([0.0, 1.0, 0.0])
    found = extend_head_motion(turning, 10_000, seed=0)
    assert np.abs(found).max() <= 0.3 + 1e-6
    minutes = found[: 10_000 // 1500 * 1500].reshape(-1, 1500, 3).mean(axis=1)
    assert np.abs(minutes).max() < 0.15
    # the recording steps by 0.0024 a frame; turning round never steps faster and never stops dead
    assert speeds(found).max() <= 0.0025
    assert jumps(found).max() <= 0.0024 * 0.15


def test_seed_decides_everything() -> None:
    head = recording()
    np.testing.assert_array_equal(extend_head_motion(head, 900, 4), extend_head_motion(head, 900, 4))
    assert not np.allclose(extend_head_motion(head, 900, 4), extend_head_motion(head, 900, 5))


def test_result_does_not_repeat_itself_like_a_clock() -> None:
    found = extend_head_motion(recording(), 3000, seed=0)[:, 1]
    centred = found - found.mean()
    correlation = [np.dot(centred[lag:], centred[:-lag]) / np.dot(centred, centred) for lag in range(150, 1500)]
    assert max(correlation) < 0.9


@pytest.mark.parametrize("length", [0, 1])
def test_recording_without_motion_gives_a_still_head(length: int) -> None:
    assert not extend_head_motion(np.zeros((length, 3)), 50, seed=0).any()


def test_two_frames_are_enough() -> None:
    found = extend_head_motion(np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]]), 50, seed=0)
    assert found.shape == (50, 3) and np.isfinite(found).all() and found.max() <= 0.1 + 1e-6
