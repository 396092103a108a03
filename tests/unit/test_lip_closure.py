# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips meet at heard closures and are left alone elsewhere."""

from __future__ import annotations

import numpy as np

from core.face.basis import open_basis
from core.face.closures import gap_of_vectors
from core.face.landmarks import BROW_LEFT
from core.face.motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion
from core.models.nn.lip_closure import close_lips, closing_share


def _open_mouth(frames: int) -> np.ndarray:
    vectors = np.zeros((frames, 53), np.float32)
    vectors[:, EXPRESSION_SIZE] = 0.12
    return vectors


def test_lips_touch_where_a_closure_is_detected_and_nowhere_else() -> None:
    closed = np.zeros(80)
    closed[40:44] = 0.95
    vectors = _open_mouth(40)
    before = gap_of_vectors(open_basis(), vectors)
    after = gap_of_vectors(open_basis(), close_lips(vectors, closed, open_basis()))
    assert before.min() > 0.3
    assert after[20:22].max() < 0.06
    np.testing.assert_allclose(after[:18], before[:18], atol=1e-6)
    np.testing.assert_allclose(after[25:], before[25:], atol=1e-6)


def test_unsure_sounds_change_nothing() -> None:
    vectors = _open_mouth(20)
    assert close_lips(vectors, np.full(40, 0.15), open_basis()) is vectors


def test_lips_do_not_pass_through_each_other() -> None:
    vectors = np.zeros((10, 53), np.float32)
    vectors[:, EXPRESSION_SIZE] = -0.05
    assert gap_of_vectors(open_basis(), vectors).max() < -0.05
    for heard in (0.0, 1.0):
        gap = gap_of_vectors(open_basis(), close_lips(vectors, np.full(20, heard), open_basis()))
        np.testing.assert_allclose(gap, 0.03, atol=2e-3)


def test_the_upper_face_does_not_notice() -> None:
    basis, vectors = open_basis(), _open_mouth(10)
    sealed = close_lips(vectors, np.ones(20), basis)
    moved = basis.displacement(_motion(sealed)) - basis.displacement(_motion(vectors))
    # under a third of a millimetre, for lips that move four
    assert np.abs(moved[:, BROW_LEFT]).max() < 0.03


def test_a_closure_reaches_its_neighbours_a_little_and_covers_odd_frames() -> None:
    closed = np.zeros(20)
    closed[9] = 1.0
    share = closing_share(closed, 10)
    assert share[4] == share[5] == 1.0
    assert 0 < share[3] < 0.5 and 0 < share[6] < 0.5 and share[8] == 0


def _motion(vectors: np.ndarray) -> Motion:
    frames = len(vectors)
    return Motion(
        fps=INTERNAL_FPS,
        expression=vectors[:, :EXPRESSION_SIZE],
        jaw=vectors[:, EXPRESSION_SIZE:],
        head=np.zeros((frames, 3), np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        basis_name=open_basis().name,
        basis_hash=open_basis().hash,
    )
