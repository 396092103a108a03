# SPDX-License-Identifier: GPL-3.0-or-later
"""Weighted moments, shrinkage, agreement of lip gaps, the jaw's inverse skinning, and loudness per frame."""

from __future__ import annotations

import numpy as np
import pytest

from core.audio.level import frame_level
from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.face.jaw import JAW_RANGE_RADIANS, undo_jaw
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE
from core.face.rotations import matrix_from_rotvec
from core.face.statistics import MIN_AGREEMENT, gap_agreement, paired_moments, shrinkage

RNG = np.random.default_rng(3)


def test_moments_are_those_of_the_frames_that_count() -> None:
    x, y = RNG.normal(size=(60, 4)), RNG.normal(size=(60, 4))
    weights = np.where(np.arange(60) < 40, 0.7, 0.0)
    x[40:] += 100.0
    moments = paired_moments(x, y, weights)
    np.testing.assert_allclose(moments.mean_x, x[:40].mean(axis=0))
    np.testing.assert_allclose(moments.deviation_y, y[:40].std(axis=0))
    np.testing.assert_allclose(moments.covariance, np.diag(np.cov(x[:40].T, y[:40].T, ddof=0)[:4, 4:]))
    assert not paired_moments(x, y, np.zeros(60)).covariance.any()


def test_shrinkage_is_a_half_at_its_half() -> None:
    assert (shrinkage(0.0, 3.0), shrinkage(3.0, 3.0)) == (0.0, 0.5)
    assert 0.99 < shrinkage(1000.0, 3.0) < 1.0


def test_agreement_tells_a_mouths_own_motion_from_anothers() -> None:
    vectors = np.zeros((200, MOTION_SIZE))
    vectors[:, EXPRESSION_SIZE] = 0.1 + 0.1 * np.sin(np.arange(200) / 3)
    other = np.zeros_like(vectors)
    other[:, EXPRESSION_SIZE] = 0.1 + 0.1 * np.sin(np.arange(200) / 4.7)
    own = gap_agreement(open_basis(), vectors, 0.5 * vectors, np.ones(200))
    assert own > 0.99 and abs(gap_agreement(open_basis(), vectors, other, np.ones(200))) < MIN_AGREEMENT
    assert gap_agreement(open_basis(), vectors, np.zeros_like(vectors), np.ones(200)) == 0.0


@pytest.mark.parametrize("angle", JAW_RANGE_RADIANS)
def test_the_jaw_undone_and_turned_again_is_the_same_face(angle: float) -> None:
    basis = open_basis()
    jaw = np.array([angle * basis.hinge_axis])
    neutral = RNG.normal(0.0, 0.3, (1, *basis.neutral.shape))
    rotation = matrix_from_rotvec(jaw) - np.eye(3)
    turned = neutral + np.einsum("tij,tnj->tni", rotation, neutral) * basis.jaw_weights[:, None]
    np.testing.assert_allclose(undo_jaw(turned, jaw, basis.jaw_weights, terms=60), neutral, atol=1e-6)
    error = np.linalg.norm(undo_jaw(turned, jaw, basis.jaw_weights) - neutral, axis=2)
    assert (error <= abs(angle) ** 5 * np.linalg.norm(neutral, axis=2) + 1e-9).all()


def test_level_is_decibels_per_frame_and_silence_after_the_end() -> None:
    samples = np.concatenate([np.full(SAMPLE_RATE // 25, 0.1), np.full(SAMPLE_RATE // 25, 0.01)])
    level = frame_level(Speech(samples.astype(np.float32), "made"), 25.0, 4)
    np.testing.assert_allclose(level, [-20.0, -40.0, -120.0, -120.0], atol=1e-3)
