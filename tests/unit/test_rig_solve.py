# SPDX-License-Identifier: GPL-3.0-or-later
"""The solve: motion carried to rigs of other size, axes and key spaces; lips that shut; bases never mixed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import ModelError, RigError
from core.face.landmarks import LANDMARK_COUNT, LIPS
from core.face.rotations import matrix_from_rotvec
from core.rig.bounded import solve_bounded
from core.rig.conventions.arkit import CONVENTION as ARKIT
from core.rig.correspond import LIP_PAIRS
from core.rig.description import BoneDescription, LandmarkBinding, RigDescription
from core.rig.face import lip_gaps
from core.rig.names import FaceBones
from core.rig.solve import RigMotion, prepare_solver
from tests.face_fixtures import JAW_HINGE_CM, SyntheticFace, jaw_share, synthetic_face, talking_motion

pytestmark = pytest.mark.slow

FACE = synthetic_face()
FLAME_IN_BLENDER = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def binding() -> LandmarkBinding:
    """One triangle per landmark, see the fixture."""
    weights = np.tile(np.array([0.375, 0.3125, 0.3125], np.float32), (LANDMARK_COUNT, 1))
    return LandmarkBinding(FACE.triangles, weights, np.ones(LANDMARK_COUNT, bool), "test")


def per_vertex(landmark_values: np.ndarray) -> np.ndarray:
    """(478, ...) to (V, ...): each landmark's triangle moves as one."""
    return np.repeat(landmark_values, 3, axis=0)


def make_rig(face: SyntheticFace, deltas: np.ndarray, place: np.ndarray, jaw: bool = True) -> RigDescription:
    """The synthetic face placed by a (3, 3) matrix, with ``deltas`` (K, 478, 3) cm as keys."""
    rest = np.eye(4)
    rest[:3, 3] = place @ JAW_HINGE_CM
    jaw_weights = face.basis.jaw_weights if jaw else np.zeros(LANDMARK_COUNT)
    return RigDescription(
        object_name="Head",
        armature_name="Rig" if jaw else None,
        vertices=(face.vertices @ place.T).astype(np.float32),
        triangles=face.triangles,
        key_names=tuple(f"Exp{i + 1}" for i in range(len(deltas))),
        key_deltas=np.stack([per_vertex(d) @ place.T for d in deltas]).astype(np.float32),
        key_ranges=np.tile(np.array([0, 1], np.float32), (len(deltas), 1)),
        bones=(BoneDescription("jaw", None, rest),) if jaw else (),
        face_bones=FaceBones(jaw="jaw") if jaw else FaceBones(),
        jaw_weights=per_vertex(jaw_weights).astype(np.float32),
        object_to_armature=np.eye(4),
        binding=binding(),
    )


def moved_landmarks(rig: RigDescription, motion: RigMotion, frame: int, place: np.ndarray) -> np.ndarray:
    """(478, 3) displacement in basis cm of the rig's own mesh, skinned here and not by the code under test."""
    shaped = rig.vertices + np.tensordot(motion.key_values[frame], rig.key_deltas, axes=1)
    axes = motion.flame_to_object
    turn = axes @ matrix_from_rotvec(motion.jaw[frame]) @ axes.T - np.eye(3)
    posed = shaped + ((shaped - place @ JAW_HINGE_CM) @ turn.T) * rig.jaw_weights[:, None]
    assert rig.binding is not None
    moved = rig.binding.points(posed) - rig.binding.points(rig.vertices)
    return np.linalg.solve(place, moved.T).T


def mixed_directions(seed: int = 4) -> np.ndarray:
    """The basis' space spoken in other components."""
    mix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(50, 50)))
    return np.tensordot(mix, FACE.basis.directions, axes=1)


PLACES = {
    "metres, Z up": 0.01 * FLAME_IN_BLENDER,
    "centimetres, Y up": np.eye(3),
    "tilted": 0.37 * matrix_from_rotvec(np.array([0.9, 0.2, 0.4])),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_rig_of_any_size_and_axes_moves_as_the_basis_says(place: np.ndarray) -> None:
    rig, motion = make_rig(FACE, mixed_directions(), place), talking_motion(FACE.basis)
    solved = prepare_solver(rig, FACE.basis).solve(motion)
    wanted = FACE.basis.displacement(motion)
    for frame in range(0, len(motion), 7):
        error = moved_landmarks(rig, solved, frame, place)[LIPS] - wanted[frame, LIPS]
        size = np.linalg.norm(wanted[frame, LIPS], axis=1).mean()
        assert np.linalg.norm(error, axis=1).mean() < 0.03 + 0.15 * size


def test_jaw_angle_is_found_and_not_left_to_the_keys() -> None:
    rig, motion = make_rig(FACE, mixed_directions(), PLACES["metres, Z up"]), talking_motion(FACE.basis)
    motion = motion.replace(expression=0 * motion.expression)
    solved = prepare_solver(rig, FACE.basis).solve(motion)
    np.testing.assert_allclose(solved.jaw[:, 0], motion.jaw[:, 0], atol=np.radians(1.0))


def test_without_a_jaw_bone_the_keys_do_what_they_can() -> None:
    place = PLACES["metres, Z up"]
    opening = FACE.basis.jaw_displacement(np.array([[0.2, 0, 0]]))[0]
    deltas = np.concatenate([mixed_directions(), opening[None]])
    rig, motion = make_rig(FACE, deltas, place, jaw=False), talking_motion(FACE.basis)
    solved = prepare_solver(rig, FACE.basis).solve(motion)
    assert not solved.jaw.any()
    gaps = np.array([lip_gaps(moved_landmarks(rig, solved, t, place)).mean() for t in range(len(motion))])
    wanted = lip_gaps(FACE.basis.displacement(motion)).mean(axis=1)
    assert np.corrcoef(gaps, wanted)[0, 1] > 0.98


def test_lips_shut_where_the_basis_is_shut() -> None:
    place = PLACES["metres, Z up"]
    rig, motion = make_rig(FACE, mixed_directions()[:30], place), talking_motion(FACE.basis)
    motion = motion.replace(expression=0.3 * motion.expression, jaw=np.clip(motion.jaw - 0.1, 0, None))
    solved = prepare_solver(rig, FACE.basis).solve(motion)
    basis_gap = lip_gaps(FACE.basis.landmarks(motion)).mean(axis=1)
    neutral = lip_gaps(FACE.basis.neutral)
    rig_gap = np.array(
        [(neutral + lip_gaps(moved_landmarks(rig, solved, t, place))).mean() for t in range(len(motion))]
    )
    shut = basis_gap < neutral.mean()
    assert shut.sum() >= 3
    # contact on the mesh, though its lips rest 0.4 mm apart: neither a slit nor sunk into each other
    assert rig_gap[shut].max() < 0.01
    assert rig_gap[shut].min() > -0.04


def test_open_neutral_mouth_of_a_rig_is_shut_at_closures() -> None:
    place = PLACES["metres, Z up"]
    rig, motion = make_rig(FACE, mixed_directions(), place), talking_motion(FACE.basis)
    motion = motion.replace(expression=0 * motion.expression, jaw=0 * motion.jaw)
    vertices = rig.vertices.copy()
    lower = per_vertex(FACE.basis.jaw_weights) * (np.abs(FACE.vertices[:, 1] + 3.5) < 0.5)
    vertices[:, 2] -= (0.004 * lower).astype(np.float32)
    rig = dataclasses.replace(rig, vertices=vertices)
    assert rig.binding is not None
    solver = prepare_solver(rig, FACE.basis)
    assert solver.face is not None
    before = lip_gaps(solver.face.neutral).mean()
    solved = solver.solve(motion)
    after = solver.face.lips.gaps(solved.key_values[:1].astype(float), solved.jaw[:1].astype(float)).mean()
    assert before > 0.3
    assert after < 0.15


def test_keys_of_the_same_basis_are_copied_exactly() -> None:
    motion = talking_motion(FACE.basis)
    rig = dataclasses.replace(make_rig(FACE, mixed_directions(), np.eye(3)), basis_hash=FACE.basis.hash, binding=None)
    solved = prepare_solver(rig, FACE.basis).solve(motion)
    np.testing.assert_array_equal(solved.key_values, motion.expression)
    np.testing.assert_array_equal(solved.jaw, motion.jaw)
    np.testing.assert_array_equal(solved.head, motion.head)
    np.testing.assert_array_equal(solved.eyes[..., :2], motion.gaze)


def test_lips_of_a_head_in_the_basis_components_do_not_sink_into_each_other() -> None:
    deltas = FACE.basis.directions.copy()
    # one that parts the lips: the made basis has smooth bumps alone, which move both lips at once
    deltas[7] = 0.0
    deltas[7, LIP_PAIRS[:, 1], 1] = -0.3
    rig = dataclasses.replace(make_rig(FACE, deltas, np.eye(3)), basis_hash=FACE.basis.hash)
    solver = prepare_solver(rig, FACE.basis)
    assert solver.native is not None
    motion = talking_motion(FACE.basis)
    motion = motion.replace(jaw=motion.jaw - np.array([0.03, 0, 0], np.float32))
    lips = solver.native.face.lips
    pressed = lips.gaps(motion.expression, motion.jaw).min(axis=1)
    solved = solver.solve(motion)
    kept = lips.gaps(solved.key_values, solved.jaw).min(axis=1)
    rest = lips.rest.min()
    assert pressed.min() < rest - 0.1
    assert kept.min() > min(rest, -0.02) - 0.03
    # what does not sink is left to the bit
    free = pressed > rest
    assert free.any()
    np.testing.assert_array_equal(solved.key_values[free], motion.expression[free])


def test_motion_of_another_basis_is_refused() -> None:
    motion = talking_motion(FACE.basis).replace(basis_hash="0" * 64)
    solver = prepare_solver(make_rig(FACE, mixed_directions(), np.eye(3)), FACE.basis)
    with pytest.raises(ModelError, match="written in face basis"):
        solver.solve(motion)


def test_rig_without_landmarks_is_refused_by_name() -> None:
    rig = dataclasses.replace(make_rig(FACE, mixed_directions(), np.eye(3)), binding=None)
    with pytest.raises(RigError, match='landmarks of "Head" have not been found'):
        prepare_solver(rig, FACE.basis)


def test_keys_that_do_not_move_the_lips_are_refused() -> None:
    rig = make_rig(FACE, 1e-6 * mixed_directions(), np.eye(3))
    with pytest.raises(RigError, match='keys of "Head" do not move the lips'):
        prepare_solver(rig, FACE.basis)


def test_long_motion_in_pieces_equals_the_whole() -> None:
    rig = make_rig(FACE, mixed_directions(), np.eye(3))
    solver = prepare_solver(rig, FACE.basis)
    long = talking_motion(FACE.basis, frames=1030)
    tail = long.replace(
        expression=long.expression[990:], jaw=long.jaw[990:], head=long.head[990:], gaze=long.gaze[990:]
    )
    np.testing.assert_allclose(solver.solve(long).key_values[990:], solver.solve(tail).key_values, atol=1e-5)


def test_blender_is_never_kept_waiting_for_more_than_a_piece_of_a_long_line() -> None:
    from core.blender.solve_line import PIECE_FRAMES, in_pieces

    solver = prepare_solver(make_rig(FACE, mixed_directions(), np.eye(3)), FACE.basis)
    motion = talking_motion(FACE.basis, frames=2 * PIECE_FRAMES + 7)
    steps, words = in_pieces(solver, motion, 0.95, 0.97), []
    while True:
        try:
            words.append(next(steps).fraction)
        except StopIteration as finished:
            solved = finished.value
            break
    assert len(words) == 3 and words[0] == 0.95 and words == sorted(words) and words[-1] < 0.97
    whole = solver.solve(motion)
    for name in ("key_values", "jaw", "head", "eyes"):
        np.testing.assert_allclose(getattr(solved, name), getattr(whole, name), atol=1e-5)


def test_bounded_solution_equals_brute_force() -> None:
    rng = np.random.default_rng(0)
    design = rng.normal(size=(12, 3))
    gram, correlations = design.T @ design, rng.normal(0, 6, (5, 3))
    found = solve_bounded(gram, correlations)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 3, indexing="ij"), -1).reshape(-1, 3)
    cost = 0.5 * np.einsum("pi,ij,pj->p", grid, gram, grid)[:, None] - grid @ correlations.T
    ours = 0.5 * np.einsum("pi,ij,pj->p", found, gram, found) - (found * correlations).sum(axis=1)
    assert found.min() >= 0
    assert found.max() <= 1
    assert (ours <= cost.min(axis=0) + 1e-6).all()


def test_arkit_like_keys_stay_between_zero_and_one() -> None:
    place = PLACES["metres, Z up"]
    opening = FACE.basis.jaw_displacement(np.array([[0.35, 0, 0]]))[0]
    deltas = np.concatenate([opening[None], mixed_directions()[:30], -mixed_directions()[:30]])
    rig = dataclasses.replace(make_rig(FACE, deltas, place), convention=ARKIT)
    motion = talking_motion(FACE.basis)
    solved = prepare_solver(rig, FACE.basis).solve(motion)
    assert solved.key_values.min() >= 0
    assert solved.key_values.max() <= 1
    # the jawOpen key opens; turning the bone besides would open twice
    assert not solved.jaw.any()
    assert np.corrcoef(solved.key_values[:, 0], motion.jaw[:, 0])[0, 1] > 0.9


def test_keys_to_opposite_sides_are_not_used_at_once() -> None:
    sideways = mixed_directions()[0]
    deltas = np.concatenate([[sideways, -0.9 * sideways + 0.3 * mixed_directions()[1]], mixed_directions()[2:40]])
    meanings = ("mouthLeft", "mouthRight", *(f"shape {index}" for index in range(len(deltas) - 2)))
    rig = dataclasses.replace(make_rig(FACE, deltas, PLACES["metres, Z up"]), convention=ARKIT, key_meanings=meanings)
    solved = prepare_solver(rig, FACE.basis).solve(talking_motion(FACE.basis)).key_values
    assert solved[:, :2].max(axis=0).min() > 0.05
    assert solved[:, :2].min(axis=1).max() < 1e-4


def test_jaw_share_of_the_fixture_is_what_the_rig_uses() -> None:
    assert set(np.unique(np.round(jaw_share(FACE.vertices), 3))) >= {0.0, 1.0}
