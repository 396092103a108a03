# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.face.basis import open_basis
from core.face.landmarks import IRIS_LEFT, LIPS, mouth_opening
from core.face.motion import Motion
from core.tracking.fit import fit


def motion(frames: int = 20, seed: int = 0, basis_hash: str = "h") -> Motion:
    rng = np.random.default_rng(seed)
    jaw = np.zeros((frames, 3), np.float32)
    jaw[:, 0] = rng.uniform(0, 0.2, frames)
    return Motion(
        fps=25.0,
        expression=rng.normal(size=(frames, 50)).astype(np.float32),
        jaw=jaw,
        head=rng.normal(scale=0.3, size=(frames, 3)).astype(np.float32),
        gaze=rng.normal(scale=0.1, size=(frames, 2, 2)).astype(np.float32),
        basis_name="test",
        basis_hash=basis_hash,
    )


def test_saved_motion_loads_unchanged(tmp_path: Path) -> None:
    original = motion()
    original.save(tmp_path / "m.npz")
    loaded = Motion.load(tmp_path / "m.npz")
    assert loaded.basis_hash == original.basis_hash and loaded.fps == 25.0
    for name in ("expression", "jaw", "head", "gaze"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(original, name))


def test_wrong_shapes_are_refused_with_the_field_named() -> None:
    with pytest.raises(ValueError, match=r"Motion\.jaw has shape \(19, 3\)"):
        motion().replace(jaw=np.zeros((19, 3), np.float32))


def test_coefficients_of_another_basis_are_refused() -> None:
    with pytest.raises(ModelError, match="face basis"):
        open_basis().displacement(motion(basis_hash="other"))


def test_open_basis_is_a_symmetric_face_with_a_closed_mouth() -> None:
    basis = open_basis()
    # mirrored pairs: eye corners, mouth corners, inner lips, brows, temples, iris rims
    right = [33, 133, 61, 78, 80, 88, 81, 178, 105, 127, 469, 471]
    left = [263, 362, 291, 308, 310, 318, 311, 402, 334, 356, 476, 474]
    np.testing.assert_allclose(basis.neutral[right] * [-1, 1, 1], basis.neutral[left], atol=1e-4)
    assert mouth_opening(basis.neutral) < 0.15
    assert basis.neutral[152, 1] < basis.neutral[13, 1] < basis.neutral[10, 1]  # chin, lip, forehead from below


def test_jaw_opens_the_mouth_and_leaves_the_skull() -> None:
    basis = open_basis()
    opened = basis.neutral + basis.jaw_displacement(np.array([[0.25, 0, 0]]))[0]
    assert mouth_opening(opened) - mouth_opening(basis.neutral) > 1.5
    np.testing.assert_array_equal(opened[[10, 33, 263, 168, 0, 13]], basis.neutral[[10, 33, 263, 168, 0, 13]])


def test_fit_gives_back_the_motion_that_made_the_landmarks() -> None:
    basis = open_basis()
    truth = motion(basis_hash=basis.hash)
    # the jaw is read from the chin, so only expressions that leave the chin alone are told apart from it
    fitted = fit(basis.displacement(truth), basis)
    rebuilt = truth.replace(expression=fitted.expression, jaw=fitted.jaw)
    error = np.linalg.norm(basis.displacement(rebuilt) - basis.displacement(truth), axis=-1)
    assert error[:, LIPS].mean() < 0.02
    assert error[:, LIPS].max() < 0.1


def test_gaze_turns_the_iris_and_is_read_back() -> None:
    basis = open_basis()
    still = motion(3, basis_hash=basis.hash)
    zero = still.replace(expression=0 * still.expression, jaw=0 * still.jaw, gaze=0 * still.gaze)
    looking = zero.replace(gaze=np.full((3, 2, 2), 0.2, np.float32))
    moved = basis.displacement(looking)
    assert moved[0, IRIS_LEFT, 0].mean() > 0.1 and moved[0, IRIS_LEFT, 1].mean() < -0.1  # left and down
    np.testing.assert_allclose(fit(moved, basis).gaze, 0.2, atol=0.05)
