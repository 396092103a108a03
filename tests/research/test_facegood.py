# SPDX-License-Identifier: GPL-3.0-or-later
"""FACEGOOD's controls become motion that shuts at closures, opens with the jaw and stays in talkers' range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import LIPS, mouth_opening
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE
from core.rig.correspond import LIP_PAIRS
from research.corpus.clips import Clip
from research.corpus.facegood import ControlTrack, at_internal_fps, lip_displacement, meet_lips, repaired_names
from research.corpus.ict_landmarks import LandmarkShapes, fan_triangles, similarity
from research.corpus.lip_prior import LipPrior, as_motion
from research.training.motion_data import MotionPair

USED = (
    *("mouth_stretch_c", "mouth_lowerLipDepress_l", "mouth_upperLipRaise_l", "mouth_oh_c", "mouth_oo_c"),
    *("mouth_pucker_l", "mouth_funnel_dl", "mouth_lipCornerPull_l", "mouth_lipStretch_l", "mouth_dimple_l"),
    *("mouth_suck_dl", "mouth_suck_ul", "mouth_press_l", "mouth_chinRaise_u"),
)
SHAPES = (
    *("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthPucker", "mouthSmile", "mouthStretch"),
    *("mouthDimple", "mouthRollLower", "mouthRollUpper", "mouthPress", "mouthShrugUpper", "mouthShrugLower"),
)


@pytest.fixture(scope="module")
def basis() -> FaceBasis:
    return open_basis()


def _shapes() -> LandmarkShapes:
    """Only the jaw does something: it lowers the lower lip by 2 cm."""
    deltas = np.zeros((len(SHAPES), 478, 3))
    deltas[0, LIP_PAIRS[:, 1], 1] = -2.0
    return LandmarkShapes(SHAPES, deltas)


def _track(**controls: float) -> ControlTrack:
    weights = np.zeros((2, len(USED)), np.float32)
    for name, value in controls.items():
        weights[1, USED.index(name)] = value
    return ControlTrack(Path("made.ogg"), USED, weights)


def _talker(basis: FaceBasis, seed: int) -> MotionPair:
    rng = np.random.default_rng(seed)
    motion = np.zeros((200, MOTION_SIZE), np.float32)
    motion[:, :EXPRESSION_SIZE] = rng.normal(0, 0.5, (200, EXPRESSION_SIZE))
    motion[:, EXPRESSION_SIZE:] = np.abs(rng.normal(0, 0.05, (200, 1))) * basis.hinge_axis
    clip = Clip("test", str(seed), Path("made"))
    return MotionPair(clip, np.zeros((800, 257), np.float16), motion, np.zeros((200, 478, 3), np.float32))


def test_names_shifted_by_one_are_put_right() -> None:
    assert repaired_names(["a", "c", "d", "b"]) == ("a", "b", "c", "d")


def test_left_and_right_controls_agree_once_the_names_are_right(shared_data: Path) -> None:
    from research.corpus.facegood import read_controls

    track = read_controls(shared_data)[0]
    for name in ("mouth_pucker_", "mouth_funnel_d", "mouth_suck_u", "mouth_lowerLipDepress_", "mouth_press_"):
        left, right = track.of(f"{name}l"), track.of(f"{name}r")
        assert left.max() > 0.1
        assert np.corrcoef(left, right)[0, 1] > 0.99


def test_jaw_control_opens_the_lips_and_a_press_shuts_them(basis: FaceBasis) -> None:
    open_lips = lip_displacement(_track(mouth_stretch_c=0.5), _shapes(), basis, 1.0)
    shut_lips = lip_displacement(_track(mouth_stretch_c=0.5, mouth_press_l=0.3), _shapes(), basis, 1.0)
    landmarks = np.repeat(basis.neutral[None].astype(float), 2, axis=0)
    landmarks[:, LIPS] += [open_lips[1], shut_lips[1]]
    assert mouth_opening(landmarks[0]) == pytest.approx(1.0, abs=0.1)
    assert mouth_opening(landmarks[1]) < 0.1


def test_lower_lip_on_the_teeth_halves_the_opening(basis: FaceBasis) -> None:
    lips = lip_displacement(_track(mouth_stretch_c=0.5, mouth_suck_dl=0.4), _shapes(), basis, 1.0)
    face = basis.neutral.astype(float)
    face[LIPS] += lips[1]
    assert mouth_opening(face) == pytest.approx(0.5, abs=0.1)


def test_lips_do_not_pass_through_each_other(basis: FaceBasis) -> None:
    crossed = basis.neutral[None].astype(float)
    crossed[:, LIP_PAIRS[:, 1], 1] += 1.0
    met = meet_lips(crossed, np.zeros(1))
    gap = met[0, LIP_PAIRS[:, 0], 1] - met[0, LIP_PAIRS[:, 1], 1]
    np.testing.assert_allclose(gap, 0.0, atol=1e-6)


def test_prior_reproduces_talkers_lips_and_leaves_rest_at_rest(basis: FaceBasis) -> None:
    talkers = [_talker(basis, 0), _talker(basis, 1)]
    prior = LipPrior.fit(talkers, basis)
    wanted = basis.displacement(as_motion(talkers[0].motion, basis, 25.0))[:, LIPS]
    given = basis.displacement(as_motion(prior.motion(wanted), basis, 25.0))[:, LIPS]
    assert np.abs(given - wanted)[..., :2].mean() < 0.3 * np.abs(wanted)[..., :2].mean()
    assert np.abs(prior.motion(np.zeros((1, 40, 3)))).max() == 0.0


def test_prior_keeps_far_off_lips_nearer_to_what_talkers_do(basis: FaceBasis) -> None:
    prior = LipPrior.fit([_talker(basis, 0)], basis)
    # a depth no talker shows: the fit must not answer with coefficients of ten
    odd = np.zeros((1, 40, 3))
    odd[..., 2] = 1.5
    assert np.abs(prior.motion(odd)).max() < 5.0


def test_delay_is_taken_out_while_resampling() -> None:
    seconds = np.arange(300) / 30.0
    late = np.repeat((seconds - 0.04)[:, None], MOTION_SIZE, axis=1).astype(np.float32)
    sampled = at_internal_fps(late, 0.04)
    assert len(sampled) == 250
    np.testing.assert_allclose(sampled[5:240, 0], np.arange(5, 240) / 25.0, atol=1e-5)


def test_similarity_finds_turn_and_size() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 3))
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(similarity(points, 2.0 * points @ turn + 3.0), 2.0 * turn, atol=1e-9)


def test_quads_become_two_triangles() -> None:
    triangles = fan_triangles(np.array([0, 1, 2, 3, 4, 5, 6]), np.array([3, 4]))
    assert sorted(map(tuple, triangles.tolist())) == [(0, 1, 2), (3, 4, 5), (3, 5, 6)]
