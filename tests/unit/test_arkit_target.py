# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled target of Apple's 52 shapes: each does what its name says, and motion goes there and back."""

from __future__ import annotations

import numpy as np
import pytest

from core.arkit.names import SHAPES, mirrored
from core.arkit.recording import FaceRecording, recorded_motion
from core.arkit.shapes import arkit_shapes, mirror_map
from core.arkit.solve import arkit_values
from core.errors import ModelError
from core.face.basis import open_basis
from core.face.closures import lip_gap
from core.face.landmarks import BROW_LEFT, CHIN_POINTS, LIPS, MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT
from core.face.lids import lid_opening
from core.face.motion import Motion
from core.face.resting import resting_motion
from core.face.rotations import relative_to_mean
from core.rig.face import lip_gaps

LEFT_LIPS = [291, 409, 375, 308, 324, 415]
RIGHT_LIPS = [61, 185, 146, 78, 95, 191]


def shape(name: str) -> np.ndarray:
    moved: np.ndarray = arkit_shapes()[SHAPES.index(name)]
    return moved


def talking(frames: int = 120, seed: int = 0) -> Motion:
    """Smooth random speech: coefficients within a unit or so, a jaw that opens."""
    rng = np.random.default_rng(seed)
    waves = np.cumsum(rng.normal(0.0, 1.0, (frames, 50)), axis=0)
    waves = (waves - waves.mean(axis=0)) / np.maximum(waves.std(axis=0), 1e-6) * np.linspace(0.4, 0.05, 50)
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = 0.06 * (1.0 - np.cos(np.arange(frames) * 0.4))
    gaze = np.zeros((frames, 2, 2))
    gaze[:, :, 1] = 0.1 * np.sin(np.arange(frames) * 0.1)[:, None]
    return resting_motion(frames).replace(
        expression=waves.astype(np.float32), jaw=jaw.astype(np.float32), gaze=gaze.astype(np.float32)
    )


def test_jaw_open_opens_and_mouth_close_shuts_it_again() -> None:
    neutral = open_basis().neutral
    assert lip_gaps(neutral + shape("jawOpen")).max() > 2.0
    both = neutral + shape("jawOpen") + shape("mouthClose")
    np.testing.assert_allclose(lip_gaps(both), lip_gaps(neutral), atol=0.02)
    # the chin stays down: the lips alone come together
    assert shape("mouthClose")[CHIN_POINTS, 1].max() < 0.3
    assert shape("jawOpen")[CHIN_POINTS, 1].min() < -2.0


@pytest.mark.parametrize(
    ("name", "point", "axis", "sign"),
    [
        ("mouthSmileLeft", MOUTH_CORNER_LEFT, 1, 1),
        ("mouthSmileRight", MOUTH_CORNER_RIGHT, 1, 1),
        ("mouthSmileLeft", MOUTH_CORNER_LEFT, 0, 1),
        ("mouthSmileRight", MOUTH_CORNER_RIGHT, 0, -1),
        ("mouthFrownLeft", MOUTH_CORNER_LEFT, 1, -1),
        ("mouthStretchRight", MOUTH_CORNER_RIGHT, 0, -1),
        ("mouthPucker", MOUTH_CORNER_LEFT, 0, -1),
        ("mouthPucker", 0, 2, 1),
        ("mouthFunnel", 17, 2, 1),
        ("mouthLeft", 0, 0, 1),
        ("mouthRight", 0, 0, -1),
        ("jawLeft", 152, 0, 1),
        ("jawRight", 152, 0, -1),
        ("jawForward", 152, 2, 1),
        ("mouthUpperUpLeft", 270, 1, 1),
        ("mouthLowerDownRight", 181, 1, -1),
        ("mouthShrugLower", 17, 1, 1),
        ("mouthRollLower", 17, 2, -1),
        ("browInnerUp", 336, 1, 1),
        ("browDownLeft", 336, 1, -1),
        ("browOuterUpRight", 63, 1, 1),
        ("cheekPuff", 425, 2, 1),
        ("noseSneerLeft", 358, 1, 1),
    ],
)
def test_a_shape_moves_what_its_name_says(name: str, point: int, axis: int, sign: int) -> None:
    assert sign * shape(name)[point, axis] > 0.1


def test_left_is_the_persons_left_and_right_its_mirror_image() -> None:
    mirror = mirror_map(open_basis())
    for name in SHAPES:
        expected = shape(mirrored(name))[mirror] * (-1.0, 1.0, 1.0)
        np.testing.assert_allclose(shape(name), expected, atol=1e-6, err_msg=name)
    for name in ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress"):
        left, right = (np.abs(shape(f"{name}Left")[side]).max() for side in (LEFT_LIPS, RIGHT_LIPS))
        assert left > 3 * right, name
    assert np.abs(shape("browDownLeft")[BROW_LEFT]).max() > 0.3
    assert lid_opening(open_basis().neutral + shape("eyeBlinkLeft") + shape("eyeBlinkRight")) < 0.05


def test_motion_to_values_and_back_keeps_the_lips() -> None:
    basis, motion = open_basis(), talking()
    values = arkit_values(motion)
    assert values.shape == (len(motion), 52) and values.min() >= 0.0 and values.max() <= 1.0
    back = recorded_motion(FaceRecording(motion.fps, values))
    before, after = basis.landmarks(motion), basis.landmarks(back)
    error = 10 * np.linalg.norm(before - after, axis=2)[:, LIPS].mean()
    constant = 10 * np.linalg.norm(before - before.mean(axis=0), axis=2)[:, LIPS].mean()
    assert error < 1.0 and error < 0.4 * constant
    gaps = lip_gap(basis, motion), lip_gap(basis, back)
    assert np.corrcoef(*gaps)[0, 1] > 0.99
    np.testing.assert_allclose(back.gaze, motion.gaze, atol=1e-4)


def test_shut_lips_and_shut_eyes_stay_shut() -> None:
    basis = open_basis()
    rest = resting_motion(3)
    values = arkit_values(rest)
    assert values.max() < 0.02
    blink = np.zeros((3, 52))
    blink[1, [SHAPES.index("eyeBlinkLeft"), SHAPES.index("eyeBlinkRight")]] = 1.0
    closed = recorded_motion(FaceRecording(60.0, blink))
    openings = lid_opening(basis.landmarks(closed))
    assert openings[1] < 0.12 * openings[0]
    assert arkit_values(closed)[1, SHAPES.index("eyeBlinkLeft")] > 0.95


@pytest.mark.parametrize("name", ["jawOpen", "mouthSmileLeft", "mouthFunnel", "mouthPucker", "mouthLeft", "jawRight"])
def test_one_shape_alone_is_found_again_first(name: str) -> None:
    one = np.zeros((1, 52))
    one[0, SHAPES.index(name)] = 0.6
    found = arkit_values(recorded_motion(FaceRecording(30.0, one)))[0]
    assert SHAPES[int(found.argmax())] == name and found.max() > 0.35


def test_a_recorded_head_turns_from_its_mean_pose_or_as_it_was() -> None:
    head = np.tile([0.3, -0.2, 0.1], (40, 1)) + 0.05 * np.sin(np.arange(40) / 5.0)[:, None]
    recording = FaceRecording(30.0, np.zeros((40, 52)), head)
    np.testing.assert_allclose(recorded_motion(recording, from_rest=False).head, head, atol=1e-6)
    relative = recorded_motion(recording).head
    assert np.abs(relative.mean(axis=0)).max() < 0.01 and np.ptp(relative[:, 0]) > 0.06
    np.testing.assert_allclose(relative_to_mean(np.tile(np.eye(3), (5, 1, 1))), 0.0, atol=1e-9)


def test_a_motion_of_another_basis_is_refused() -> None:
    with pytest.raises(ModelError):
        arkit_values(talking(3).replace(basis_hash="another"))
