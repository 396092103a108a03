# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig's eyes shut when the motion's do, whatever their opening at rest; rigs without lids are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.face.basis import open_basis
from core.face.landmarks import EYE_LEFT, EYE_RIGHT, LANDMARK_COUNT, LIPS
from core.face.lids import LOWER_LIDS, UPPER_LIDS, lid_chart, lid_gaps
from core.face.motion import EXPRESSION_SIZE, Motion
from core.rig.conventions.arkit import CONVENTION as ARKIT
from core.rig.conventions.base import GazeKey
from core.rig.description import LandmarkBinding, RigDescription
from core.rig.names import FaceBones
from core.rig.solve import prepare_solver

WIDER = 1.35
MARKERS = ("jawOpen", "mouthClose", "mouthFunnel")


def landmark_rig(keys: NDArray[np.float64], wider: float = WIDER) -> RigDescription:
    """A rig whose vertices are the landmarks, with signed keys (K, 478, 3) cm and eyes ``wider`` times as open."""
    vertices = open_basis().neutral.copy()
    vertices[UPPER_LIDS, 1] += (wider - 1) * (vertices[UPPER_LIDS, 1] - vertices[LOWER_LIDS, 1])
    corners = np.tile(np.arange(LANDMARK_COUNT, dtype=np.int32)[:, None], (1, 3))
    barycentric = np.tile(np.array([1, 0, 0], np.float32), (LANDMARK_COUNT, 1))
    return RigDescription(
        object_name="Head",
        armature_name=None,
        vertices=vertices,
        triangles=corners,
        key_names=tuple(f"Exp{index + 1}" for index in range(len(keys))),
        key_deltas=keys.astype(np.float32),
        key_ranges=np.tile(np.array([0, 1], np.float32), (len(keys), 1)),
        bones=(),
        face_bones=FaceBones(),
        jaw_weights=np.zeros(LANDMARK_COUNT, np.float32),
        object_to_armature=np.eye(4),
        binding=LandmarkBinding(corners, barycentric, np.ones(LANDMARK_COUNT, bool), "test"),
    )


def mixed_keys() -> NDArray[np.float64]:
    """The basis' space spoken in other components."""
    mix, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(EXPRESSION_SIZE, EXPRESSION_SIZE)))
    keys: NDArray[np.float64] = np.tensordot(mix, open_basis().directions.astype(float), axes=1)
    return keys


def closing(closure: NDArray[np.float64]) -> Motion:
    basis, frames = open_basis(), len(closure)
    still = np.zeros((frames, 3), np.float32)
    expression = np.random.default_rng(2).normal(0, 0.15, (frames, EXPRESSION_SIZE)).astype(np.float32)
    shut = lid_chart(basis).closed(expression, closure)
    return Motion(25.0, shut, still, still, np.zeros((frames, 2, 2), np.float32), basis.name, basis.hash)


def rig_landmarks(rig: RigDescription, key_values: NDArray[np.float32]) -> NDArray[np.float64]:
    return rig.vertices + np.tensordot(key_values.astype(float), rig.key_deltas.astype(float), axes=1)


def test_wider_eyes_shut_all_the_way_and_open_again() -> None:
    rig = landmark_rig(mixed_keys())
    closure = np.array([0.0, 0.0, 0.5, 1.0, 1.0, 0.5, 0.0])
    gaps = lid_gaps(rig_landmarks(rig, prepare_solver(rig, open_basis()).solve(closing(closure)).key_values))
    rest = lid_gaps(rig.vertices)
    assert gaps[3:5].max() < 0.15
    assert gaps[closure == 0].mean() > 0.75 * rest.mean()
    np.testing.assert_allclose(gaps[closure == 0.5].mean(), 0.5 * rest.mean(), rtol=0.25)


def test_shutting_the_eyes_leaves_the_lips() -> None:
    rig = landmark_rig(mixed_keys())
    solver = prepare_solver(rig, open_basis())
    shut = rig_landmarks(rig, solver.solve(closing(np.ones(5))).key_values)
    opened = rig_landmarks(rig, solver.solve(closing(np.zeros(5))).key_values)
    assert np.linalg.norm(shut[:, LIPS] - opened[:, LIPS], axis=-1).max() < 0.02


def test_components_that_shut_the_eyes_stay_within_three_where_they_can() -> None:
    # the same shapes at a third of their size: a blink asks for three times as much
    keys = 0.35 * mixed_keys()
    solver = prepare_solver(landmark_rig(keys), open_basis())
    assert solver.lids is not None
    free = solver.lids.rig_lids
    assert free is not None
    still = np.zeros((1, len(keys)), np.float32)
    assert np.abs(free.closed(still, np.ones(1))).max() > 3.0
    shut = solver.lids.close(still, closing(np.ones(1)))
    assert np.abs(shut).max() <= 3.0 + 1e-4
    assert free.closure_of(shut).min() > 0.85


def test_components_too_small_to_shut_the_eyes_within_three_shut_them_nevertheless() -> None:
    keys = 0.1 * mixed_keys()
    solver = prepare_solver(landmark_rig(keys), open_basis())
    assert solver.lids is not None
    assert solver.lids.within is None


def test_keys_that_cannot_move_lids_are_not_pressed() -> None:
    keys = mixed_keys()
    keys[:, np.concatenate([EYE_LEFT, EYE_RIGHT])] = 0.0
    rig = landmark_rig(keys)
    solver = prepare_solver(rig, open_basis())
    assert solver.lids is None
    shut, opened = (solver.solve(closing(np.full(4, share))).key_values for share in (1.0, 0.0))
    assert np.abs(shut).max() < 2 * np.abs(opened).max() + 1.0


def test_motion_without_blinks_is_solved_nearly_as_before() -> None:
    rig = landmark_rig(mixed_keys(), wider=1.0)
    motion = closing(np.zeros(20))
    solved = rig_landmarks(rig, prepare_solver(rig, open_basis()).solve(motion).key_values)
    wanted = open_basis().landmarks(motion)
    error = np.linalg.norm(solved - wanted, axis=-1)[:, :468]
    assert error.mean() < 0.02


@pytest.mark.parametrize(
    ("names", "left", "right"),
    [
        (("mouthPucker", "eyeBlinkLeft", "eyeBlinkRight"), (0, 1, 0), (0, 0, 1)),
        (("eyeBlink_L", "eyeBlink_R"), (1, 0), (0, 1)),
        (("EYEBLINK_LEFT", "eyeSquintLeft"), (1, 0), (0, 0)),
        (("eyeBlink",), (0.5,), (0.5,)),
        (("mouthPucker", "eyeBlinker"), (0, 0), (0, 0)),
    ],
)
def test_blink_keys_are_known_by_name(
    names: tuple[str, ...], left: tuple[float, ...], right: tuple[float, ...]
) -> None:
    match = ARKIT.match([*names, *MARKERS], "Head")
    assert match is not None
    sides = dict(zip(match.names, ARKIT.blink_sides(match.meanings).T.tolist(), strict=True))  # type: ignore[union-attr]
    assert [tuple(sides.get(name, (0.0, 0.0))) for name in names] == list(zip(left, right, strict=True))


def test_gaze_keys_are_known_by_name_and_side() -> None:
    names = ("eyeLookOutLeft", "eyeLookIn_R", "eyeLookDown_L", "eyeLookUpRight", "eyeLookAround")
    match = ARKIT.match([*names, *MARKERS], "Head")
    assert match is not None
    assert match.gaze == (
        GazeKey("eyeLookOutLeft", 0, 1, 1.0),
        GazeKey("eyeLookIn_R", 1, 1, 1.0),
        GazeKey("eyeLookDown_L", 0, 0, 1.0),
        GazeKey("eyeLookUpRight", 1, 0, -1.0),
    )
