# SPDX-License-Identifier: GPL-3.0-or-later
"""From pixels to motion, on tracks made from the basis itself, where the truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import ReferenceClipError
from core.face.basis import open_basis
from core.face.landmarks import LIPS, mouth_opening
from core.face.rotations import matrix_from_rotvec, rotvec_from_matrix
from core.tracking.align import align, uniform_landmarks
from core.tracking.face_track import FaceTrack
from core.tracking.quality import MIN_FACE_PIXELS, QualityReport, require_usable
from core.tracking.reference import longest_shot
from core.tracking.smooth import savitzky_golay, smooth_landmarks
from core.tracking.sync import measure_offset

RNG = np.random.default_rng(5)


def _opened(angles: np.ndarray) -> np.ndarray:
    basis = open_basis()
    jaw = np.stack([angles, 0 * angles, 0 * angles], axis=1)
    return basis.neutral + basis.jaw_displacement(jaw)


def _pixels(landmarks: np.ndarray, rotvec: np.ndarray, pixels_per_cm: float = 20.0) -> np.ndarray:
    turned = np.einsum("tij,tnj->tni", matrix_from_rotvec(rotvec), landmarks)
    return (turned * pixels_per_cm) * [1, -1, -1] + [300, 250, 0]


def _track(landmarks: np.ndarray, fps: float = 25.0, **changes: object) -> FaceTrack:
    frames = len(landmarks)
    track = FaceTrack(
        landmarks=landmarks.astype(np.float32),
        seconds=np.arange(frames) / fps,
        valid=np.ones(frames, bool),
        faces_seen=np.ones(3, np.int32),
        cuts=np.zeros(0, np.int64),
        frame_width=640,
        frame_height=480,
        source="clip.mp4",
    )
    return dataclasses.replace(track, **changes)  # type: ignore[arg-type]


def test_alignment_takes_out_pose_and_size_and_keeps_the_mouth() -> None:
    frames = 50
    angles = 0.1 + 0.1 * np.sin(np.arange(frames))
    rotvec = RNG.normal(scale=0.2, size=(frames, 3))
    free = align(_pixels(_opened(angles), rotvec), open_basis().neutral)
    np.testing.assert_allclose(free.landmarks, _opened(angles), atol=1e-3)
    np.testing.assert_allclose(rotvec_from_matrix(free.rotation), rotvec, atol=1e-4)
    assert free.cm_per_pixel == pytest.approx(1 / 20, rel=1e-3)
    assert free.residual.max() < 1e-3


def test_resampling_uses_timestamps_and_marks_what_it_bridged() -> None:
    landmarks = np.zeros((30, 478, 3)) + np.arange(30)[:, None, None]
    valid = np.ones(30, bool)
    valid[10:20] = False
    track = _track(landmarks, fps=30.0, valid=valid)
    uniform = uniform_landmarks(track, 25.0)
    assert len(uniform.seconds) == 25
    # the value of a frame is its index, so the value at time s is 30 s, across the gap as well
    np.testing.assert_allclose(uniform.landmarks[:24, 0, 0], 30 * uniform.seconds[:24], atol=1e-4)
    bridged = (uniform.seconds > 9 / 30) & (uniform.seconds < 20 / 30)
    assert not uniform.measured[bridged].any() and uniform.measured[~bridged].all()


def test_a_start_offset_shifts_the_samples() -> None:
    landmarks = np.zeros((50, 478, 3)) + np.arange(50)[:, None, None]
    uniform = uniform_landmarks(_track(landmarks), 25.0, start_seconds=0.4)
    np.testing.assert_allclose(uniform.landmarks[:3, 0, 0], [10, 11, 12], atol=1e-3)


def test_smoothing_removes_jitter_but_not_a_one_frame_closure() -> None:
    frames = 60
    angles = np.full(frames, 0.15)
    angles[30] = 0.0
    clean = _opened(angles)
    noisy = clean + RNG.normal(scale=0.01, size=clean.shape)
    smooth = smooth_landmarks(noisy)
    assert mouth_opening(smooth)[30] < 0.12 * mouth_opening(smooth)[20]
    away = np.r_[5:25, 36:55]
    stable = [10, 151, 9, 8, 168]
    assert (smooth - clean)[away][:, stable].std() < 0.75 * (noisy - clean)[away][:, stable].std()
    assert (smooth - clean)[away][:, LIPS].std() < (noisy - clean)[away][:, LIPS].std()


def test_savitzky_golay_reproduces_parabolas_exactly() -> None:
    t = np.arange(20.0)
    values = (0.3 * t**2 - t + 2)[:, None]
    np.testing.assert_allclose(savitzky_golay(values)[3:-3], values[3:-3], atol=1e-9)
    np.testing.assert_allclose(savitzky_golay(values[:1]), values[:1])


@pytest.mark.parametrize("late", [-6.0, -2.5, 0.0, 3.0, 9.0])
def test_the_offset_between_mouth_and_sound_is_found_to_a_fraction_of_a_frame(late: float) -> None:
    t = np.arange(300)
    signal = np.interp(np.arange(-20, 320), np.arange(-20, 320, 4), RNG.normal(size=85))
    expected = np.interp(t, np.arange(-20, 320), signal)
    tracked = np.interp(t - late, np.arange(-20, 320), signal) + RNG.normal(scale=0.1, size=300)
    offset = measure_offset(tracked, expected, 25.0)
    assert offset.reliable
    assert offset.offset_seconds * 25 == pytest.approx(late, abs=0.3)


def test_a_mouth_that_ignores_the_sound_is_not_shifted() -> None:
    offset = measure_offset(RNG.normal(size=250), RNG.normal(size=250), 25.0)
    assert not offset.reliable and offset.offset_seconds == 0.0


def test_a_short_clip_is_not_shifted_on_weak_evidence() -> None:
    shifted = 0
    for _ in range(40):
        expected = np.convolve(RNG.normal(size=90), np.ones(5), "same")[:75]
        unrelated = np.convolve(RNG.normal(size=90), np.ones(5), "same")[:75]
        shifted += measure_offset(unrelated, expected, 25.0).offset_seconds != 0.0
    assert shifted <= 2


def test_poor_clips_are_refused_in_words() -> None:
    face = _pixels(_opened(np.full(100, 0.1)), np.zeros((100, 3)))
    require_usable(_track(face))
    with pytest.raises(ReferenceClipError, match=r"No face was found in clip\.mp4"):
        require_usable(_track(face, valid=np.zeros(100, bool)))
    with pytest.raises(ReferenceClipError, match="shows 2 faces"):
        require_usable(_track(face, faces_seen=np.array([1, 2, 2], np.int32)))
    with pytest.raises(ReferenceClipError, match=f"{MIN_FACE_PIXELS} px are needed"):
        require_usable(_track(face * 0.2))
    with pytest.raises(ReferenceClipError, match=r"only 1\.2 s of usable face"):
        require_usable(_track(face[:30]))


def test_only_the_longest_shot_between_cuts_is_used() -> None:
    face = _pixels(_opened(np.full(100, 0.1)), np.zeros((100, 3)))
    shot = longest_shot(_track(face, cuts=np.array([20, 85])))
    assert shot.seconds[0] == pytest.approx(20 / 25) and len(shot) == 65


def test_the_report_of_a_silent_clip_says_nothing_of_its_sound() -> None:
    numbers = {"seconds": 10.0, "fps": 25.0, "lost_share": 0.0, "face_pixels": 200.0, "jitter_percent": 0.2}
    mute = QualityReport("mute.mp4", **numbers, yaw_degrees=2.0, offset_seconds=0.0, offset_correlation=0.0)
    heard = dataclasses.replace(mute, offset_seconds=-0.24, offset_correlation=0.6)
    assert "sound" not in mute.summary()
    assert "0.24 s ahead of the sound (agreement 0.60)" in heard.summary()
