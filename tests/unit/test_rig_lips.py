# SPDX-License-Identifier: GPL-3.0-or-later
"""The lips as a viewer sees them: silhouettes of a made mouth, and what shut and open mean on it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import RigError
from core.face.landmarks import LANDMARK_COUNT
from core.rig.correspond import LIP_PAIRS
from core.rig.description import RigDescription
from core.rig.face import lip_gaps, lip_shifts, rig_face
from core.rig.lips import LOWER_ROW, UPPER_ROW, LipColumns, VisibleLips, find_lip_columns, silhouette_gaps
from core.rig.opening import shift_targets, visible_gap_targets
from core.rig.solve import prepare_solver
from tests.face_fixtures import landmark_positions, talking_motion
from tests.unit.test_rig_solve import FACE, make_rig, mixed_directions, moved_landmarks, per_vertex

ACROSS = np.array([0.2, 0.35, 0.5, 0.65, 0.8])
HALF_WIDTH_CM, LIP_HEIGHT_CM = 2.5, 1.0


def made_mouth(overlap_cm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two curled strips of skin, (V, 3), (F, 3), and landmarks on their outer edges.

    Each lip comes down (up) from its outer row, passes its crest and curls back inside the mouth.
    """
    x = np.linspace(-HALF_WIDTH_CM, HALF_WIDTH_CM, 21)
    down = LIP_HEIGHT_CM * np.array([0.0, 0.4, 0.8, 1.0, 0.9, 0.4])
    back = np.array([0.0, 0.0, 0.1, 0.4, 0.7, 1.0])
    lips = []
    for sign in (1.0, -1.0):
        y = sign * (LIP_HEIGHT_CM - overlap_cm / 2) - sign * down
        grid = np.stack(np.broadcast_arrays(x[None], y[:, None], 3.0 - back[:, None] - 0.1 * (sign < 0)), axis=-1)
        lips.append(grid.reshape(-1, 3))
    rows, columns = np.mgrid[:5, :20]
    corner = (rows * 21 + columns).ravel()
    quads = np.stack([corner, corner + 1, corner + 22, corner + 21], axis=1)
    one = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    triangles = np.concatenate([one, one + len(lips[0])]).astype(np.int32)
    landmarks = landmark_positions(0)
    landmarks[[61, 291]] = [(-HALF_WIDTH_CM, 0, 3), (HALF_WIDTH_CM, 0, 3)]
    for row, upright, side in ((UPPER_ROW, 1.0, 185), (LOWER_ROW, -1.0, 146)):
        landmarks[row] = [(0.8 * HALF_WIDTH_CM * s, upright * LIP_HEIGHT_CM, 3) for s in np.linspace(-1, 1, len(row))]
        landmarks[side] = (-0.9 * HALF_WIDTH_CM, upright * LIP_HEIGHT_CM, 3)
    landmarks[[409, 375]] = [(0.9 * HALF_WIDTH_CM, s * LIP_HEIGHT_CM, 3) for s in (1, -1)]
    return np.concatenate(lips), triangles, landmarks


def columns_of(overlap_cm: float) -> tuple[LipColumns, np.ndarray]:
    vertices, triangles, landmarks = made_mouth(overlap_cm)
    found = find_lip_columns(vertices, triangles, landmarks, ACROSS)
    assert found is not None
    return found, vertices


@pytest.mark.parametrize("overlap_cm", [0.4, 0.0, -0.05])
def test_visible_gap_is_what_lies_between_the_crests(overlap_cm: float) -> None:
    columns, vertices = columns_of(overlap_cm)
    np.testing.assert_allclose(silhouette_gaps(columns.points(vertices)[..., 1]), -overlap_cm, atol=1e-6)


def test_gap_follows_the_mesh_and_not_the_place_it_was_found_at() -> None:
    columns, vertices = columns_of(0.4)
    lower = np.arange(len(vertices)) >= len(vertices) // 2
    moved = vertices - np.outer(lower, [0, 1.0, 0])
    np.testing.assert_allclose(silhouette_gaps(columns.points(moved)[..., 1]), 0.6, atol=1e-6)


def test_a_lower_lip_that_slides_aside_stands_under_another_part_of_the_upper_one() -> None:
    """Both lips' edges rise by 0.3 cm a centimetre: a millimetre aside closes (opens) the gap by 0.3 mm."""
    x = np.linspace(-2.0, 2.0, 9)
    lip = np.stack([x, 0.3 * x, np.full(9, 3.0)], axis=-1)[:, None]
    neutral = np.stack([lip + np.array([0.0, 0.2, 0.0]), lip])
    aside = np.zeros((1, *neutral.shape))
    aside[0, 1, ..., 0] = 1.0
    up, towards = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    lips = VisibleLips(neutral, aside, neutral, np.zeros(neutral.shape[:3]), up, towards)
    still = np.zeros((3, 3))
    gaps = lips.gaps(np.array([[0.0], [-0.1], [0.1]]), still)
    np.testing.assert_allclose(gaps, np.broadcast_to([[0.2], [0.17], [0.23]], gaps.shape), atol=1e-6)


def test_mesh_without_lips_there_has_no_columns() -> None:
    vertices, triangles, landmarks = made_mouth(0.1)
    assert find_lip_columns(vertices + np.array([0, 20, 0]), triangles, landmarks, ACROSS) is None


def test_shut_is_rest_of_overlapping_lips_and_contact_of_parted_ones() -> None:
    shut = visible_gap_targets(np.full((1, 2), 0.04), np.array([-0.39, 0.05]))[0]
    assert shut[0] == pytest.approx(-0.39)
    assert -0.04 < shut[1] < 0.0


@pytest.mark.parametrize("rest", [-0.39, -0.12, 0.05])
def test_opening_grows_steadily_from_shut_to_what_the_motion_shows(rest: float) -> None:
    opened = np.linspace(0, 2, 400)
    gaps = visible_gap_targets(opened[:, None], np.array([rest]))[:, 0]
    assert (np.diff(gaps) > -1e-9).all()
    far = opened > 0.3
    assert (gaps[far] > 0).all()
    # what the tracker reads too wide or too narrow is put right by a millimetre and a half at most
    assert np.abs(gaps[far] - opened[far]).max() < 0.15
    assert np.polyfit(opened[far], gaps[far], 1)[0] == pytest.approx(1.0, abs=0.06)
    # lips that overlap and lips that do not show the same once they are apart
    np.testing.assert_allclose(gaps[far], visible_gap_targets(opened[:, None], np.zeros(1))[far, 0], atol=0.03)


def rig() -> RigDescription:
    return make_rig(FACE, mixed_directions(), np.eye(3))


def test_mirrored_landmarks_are_refused_with_a_sentence() -> None:
    mirrored = dataclasses.replace(rig(), vertices=rig().vertices * np.array([-1, 1, 1], np.float32))
    with pytest.raises(RigError, match='"Head" are mirrored'):
        rig_face(mirrored, FACE.basis)


def test_landmarks_that_are_no_face_are_refused_with_their_misfit() -> None:
    broken = np.random.default_rng(0).normal(size=rig().vertices.shape).astype(np.float32)
    with pytest.raises(RigError, match=r"do not lie like those of a face|mirrored"):
        rig_face(dataclasses.replace(rig(), vertices=5 * broken), FACE.basis)


def test_coefficients_stay_within_three() -> None:
    motion = talking_motion(FACE.basis)
    solver = prepare_solver(rig(), FACE.basis)
    solved = solver.solve(motion.replace(expression=6 * motion.expression))
    assert np.abs(solved.key_values).max() <= 3.0 + 1e-3


def test_a_gap_that_the_keys_cannot_make_is_not_asked_for_without_end() -> None:
    """Asked for again and again it drew the keys on, and with them what they move elsewhere."""
    motion = talking_motion(FACE.basis)
    stuck = rig()
    # the lips follow keys and jaw half as far about the right corner
    share = np.where(np.isin(np.arange(stuck.key_deltas.shape[1]) // 3, LIP_PAIRS[:2]), 0.5, 1.0).astype(np.float32)
    stuck = dataclasses.replace(
        stuck, key_deltas=stuck.key_deltas * share[:, None], jaw_weights=stuck.jaw_weights * share
    )
    solver = prepare_solver(stuck, FACE.basis)
    assert solver.face is not None
    lips = solver.face.lips
    solved = solver.solve(motion)
    got = lips.gaps(solved.key_values.astype(np.float64), solved.jaw.astype(np.float64))
    off = np.abs(got - visible_gap_targets(lip_gaps(FACE.basis.landmarks(motion).astype(np.float64)), lips.rest))
    assert off[:, 0].max() > 1.0
    assert off[:, 3:].max() < 0.13
    assert np.abs(solved.key_values).max() < 1.8


def slide_of_shut_lips() -> float:
    """cm, at most: of the upper inner lip against the lower one along the line of sight, on the mesh.

    The head's lips rest 1.6 mm over each other, and the motion carries the lower one forward, shut or open.
    """
    directions = FACE.basis.directions.copy()
    directions[7] = 0.0
    directions[7, LIP_PAIRS[:, 1], 2] = 0.3
    face = dataclasses.replace(FACE, basis=dataclasses.replace(FACE.basis, directions=directions))
    mixed = np.tensordot(np.linalg.qr(np.random.default_rng(4).normal(size=(50, 50)))[0], directions, axes=1)
    overlapping = make_rig(face, mixed, np.eye(3))
    vertices = overlapping.vertices.copy()
    vertices[per_vertex(np.isin(np.arange(LANDMARK_COUNT), LIP_PAIRS[:, 0])), 1] -= 0.2
    overlapping = dataclasses.replace(overlapping, vertices=vertices)
    motion = talking_motion(face.basis)
    expression = 0.3 * motion.expression
    expression[:, 7] = 1.0
    motion = motion.replace(expression=expression, jaw=np.clip(motion.jaw - 0.1, 0, None))
    solved = prepare_solver(overlapping, face.basis).solve(motion)
    shut = np.flatnonzero(lip_gaps(face.basis.landmarks(motion)).max(axis=1) < 0.09)
    assert len(shut) >= 3
    return max(float(np.abs(lip_shifts(moved_landmarks(overlapping, solved, t, np.eye(3)))).max()) for t in shut)


def test_shut_lips_do_not_press_deeper_into_each_other_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where lips rest over each other, one that slides forward goes into the other, however right the gap is."""
    held = slide_of_shut_lips()
    monkeypatch.setattr("core.rig.rows._SHIFT_WEIGHT", 0.0)
    assert slide_of_shut_lips() > 0.2
    assert held < 0.05


def test_lips_slide_as_the_motion_has_it_once_they_are_apart() -> None:
    shifts = np.full((3, 2), 0.3)
    gaps = np.array([[0.0, 0.08], [0.2, 0.2], [0.5, 0.9]])
    targets = shift_targets(shifts, gaps)
    assert (targets[0] == 0).all()
    assert ((targets[1] > 0) & (targets[1] < 0.3)).all()
    np.testing.assert_array_equal(targets[2], shifts[2])
