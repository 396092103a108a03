# SPDX-License-Identifier: GPL-3.0-or-later
"""Upper-face dynamics, jitter, seams and region signals on motion with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from core.face.basis import open_basis
from core.face.landmarks import BROW_LEFT, BROW_RIGHT, CHIN_POINTS, LIPS, LOWER_LIP_INNER, UPPER_FACE
from research.evaluation.dynamics import jitter_mm, seam_jump, upper_face_deviation
from research.evaluation.metrics import lip_error_mm, lip_error_squared
from research.evaluation.regions import REGIONS, amplitude_ratios, region_signals


def _still(frames: int = 50) -> np.ndarray:
    return np.zeros((frames, 478, 3))


def _wave(frames: int = 50) -> np.ndarray:
    return np.sin(np.arange(frames) / 3.0)


def test_lip_error_is_the_worst_point_of_each_frame() -> None:
    moved = _still(4)
    moved[:, LIPS[0], 0] = 0.1
    moved[2, LIPS[5], 1] = 0.3
    # 1 mm in three frames, 3 mm in one
    assert lip_error_mm(_still(4), moved) == pytest.approx(1.5)
    assert lip_error_squared(_still(4), moved) == pytest.approx((3 * 0.001**2 + 0.003**2) / 4)


def test_upper_face_deviation_of_a_still_face_is_the_true_spread() -> None:
    truth = _still(2)
    truth[1, UPPER_FACE, 1] = 0.1
    # squared displacement is 0 then 1 mm²: spread 0.5
    result = upper_face_deviation([truth], [_still(2)])
    assert (result.signed, result.absolute) == (pytest.approx(0.5), pytest.approx(0.5))


def test_opposite_deviations_cancel_only_in_the_signed_form() -> None:
    moving = _still(2)
    moving[1, UPPER_FACE, 1] = 0.1
    result = upper_face_deviation([moving, _still(2)], [_still(2), moving])
    assert result.signed == pytest.approx(0.0)
    assert result.absolute == pytest.approx(0.5)


def test_smooth_motion_has_no_jitter_and_noise_has_its_own_size() -> None:
    slow = np.linspace(0, 1, 60)[:, None, None] ** 2 * np.ones((1, 478, 3))
    assert jitter_mm(slow) == pytest.approx(0.0, abs=0.02)
    noise = np.random.default_rng(0).normal(0, 0.01, (400, 478, 3))
    # white noise of 0.1 mm per axis; the quadratic fit over 7 frames takes a third of its variance with it
    assert jitter_mm(noise) == pytest.approx(0.1 * np.sqrt(3 * (1 - 1 / 3)), rel=0.03)


def test_seam_jump_sees_a_step_at_the_seam() -> None:
    values = np.arange(100.0)[:, None]
    assert seam_jump(values, np.array([49])) == pytest.approx(1.0)
    values[50:] += 4
    assert seam_jump(values, np.array([49])) == pytest.approx(5.0)


def test_seam_jump_refuses_a_speech_without_seams() -> None:
    with pytest.raises(ValueError, match="seams"):
        seam_jump(np.zeros((10, 1)), np.array([], int))


@pytest.mark.parametrize(
    ("region", "points", "axis"),
    [("opening", np.array([14, 87, 317]), 1), ("brows", np.concatenate([BROW_LEFT, BROW_RIGHT]), 1)],
)
def test_half_the_movement_is_half_the_amplitude(region: str, points: np.ndarray, axis: int) -> None:
    neutral = open_basis().neutral.astype(float)
    large = np.repeat(neutral[None], 50, axis=0)
    small = large.copy()
    lift = -0.5 - 0.4 * _wave()
    large[:, points, axis] += lift[:, None]
    small[:, points, axis] += 0.5 * lift[:, None]
    assert getattr(amplitude_ratios(large, small), region) == pytest.approx(0.5, abs=0.03)


def test_each_region_hears_its_own_points_only() -> None:
    neutral = open_basis().neutral.astype(float)[None]
    moved = neutral.copy()
    moved[:, CHIN_POINTS, 1] -= 1.0
    change = np.abs(region_signals(moved) - region_signals(neutral))[0]
    assert change[REGIONS.index("jaw")] == pytest.approx(1.0)
    assert change[[REGIONS.index(name) for name in ("opening", "brows", "lids", "width")]].max() < 1e-9
    assert LOWER_LIP_INNER not in CHIN_POINTS
