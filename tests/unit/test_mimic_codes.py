# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's style codes interpolate exactly, and its coordinates are the landmarks' displacement, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from core.face.basis import open_basis
from core.face.landmark_weights import landmark_weights
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE
from core.models.mimic.codes import at_strength, mixed
from core.models.mimic.space import SPACE_SIZE, landmark_space

RNG = np.random.default_rng(0)
MEAN, CODE = (RNG.normal(size=128).astype(np.float32) for _ in range(2))


def _motion(frames: int, scale: float = 1.0) -> np.ndarray:
    """Values as tracking gives them: the jaw turns about its hinge only."""
    rng = np.random.default_rng(1)
    values = scale * rng.normal(size=(frames, MOTION_SIZE))
    values[:, EXPRESSION_SIZE:] = 0.05 * scale * rng.normal(size=(frames, 1)) * open_basis().hinge_axis
    return values.astype(np.float32)


def test_strength_nought_is_the_mean_and_one_is_the_code_exactly() -> None:
    assert (at_strength(MEAN, CODE, 0.0) == MEAN).all()
    assert (at_strength(MEAN, CODE, 1.0) == CODE).all()


def test_strength_past_one_goes_on_in_the_same_direction() -> None:
    np.testing.assert_allclose(at_strength(MEAN, CODE, 1.5) - MEAN, 1.5 * (CODE - MEAN), atol=1e-6)


def test_mixing_ends_at_the_styles_and_meets_halfway() -> None:
    assert (mixed(MEAN, CODE, 0.0) == MEAN).all()
    assert (mixed(MEAN, CODE, 1.0) == CODE).all()
    np.testing.assert_allclose(mixed(MEAN, CODE, 0.5), (MEAN + CODE) / 2, atol=1e-6)


def test_strength_nought_does_not_hand_out_the_mean_itself() -> None:
    at_strength(MEAN, CODE, 0.0)[0] = 99.0
    assert MEAN[0] != 99.0


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        mixed(MEAN, CODE, share)


def test_codes_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="do not go together"):
        at_strength(MEAN, CODE[:5], 0.5)


def test_motion_survives_the_way_into_the_space_and_back() -> None:
    space = landmark_space(open_basis())
    motion = _motion(40)
    np.testing.assert_allclose(motion @ space.encode @ space.decode, motion, atol=2e-4)


def test_distance_in_the_space_is_the_weighted_distance_of_landmarks() -> None:
    basis, space = open_basis(), landmark_space(open_basis())
    motion = _motion(6)
    jaw = np.cross(basis.hinge_axis, basis.neutral - basis.hinge_point) * basis.jaw_weights[:, None]
    angle = motion[:, EXPRESSION_SIZE:] @ basis.hinge_axis
    moved = np.tensordot(motion[:, :EXPRESSION_SIZE], basis.directions, 1) + angle[:, None, None] * jaw
    wanted = np.linalg.norm(((moved[1:] - moved[:-1]) * landmark_weights()).reshape(5, -1), axis=1)
    inside = motion @ space.encode @ space.metric
    np.testing.assert_allclose(np.linalg.norm(inside[1:] - inside[:-1], axis=1), wanted, rtol=1e-4)


def test_any_linear_layer_on_the_landmarks_is_one_in_the_space() -> None:
    """The way to the landmarks can be taken back: nothing that they show is lost."""
    metric = landmark_space(open_basis()).metric.astype(np.float64)
    np.testing.assert_allclose(np.linalg.inv(metric) @ metric, np.eye(SPACE_SIZE), atol=1e-6)


def test_small_jaw_angles_displace_the_landmarks_as_the_basis_says() -> None:
    basis, space = open_basis(), landmark_space(open_basis())
    values = np.zeros((1, MOTION_SIZE), np.float32)
    values[0, EXPRESSION_SIZE:] = 0.05 * basis.hinge_axis
    wanted = np.linalg.norm(basis.jaw_displacement(values[:, EXPRESSION_SIZE:])[0] * landmark_weights())
    given = np.linalg.norm(values @ space.encode @ space.metric)
    assert given == pytest.approx(wanted, rel=0.02)
