# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes head pose and size out of tracked landmarks: similarity alignment to a neutral face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import STABLE
from ..face.rotations import FloatArray
from .face_track import FaceTrack

# pixels (x right, y down, z away) to face axes (x right, y up, z towards the viewer)
_TO_FACE_AXES = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True, slots=True, eq=False)
class PoseFreeTrack:
    """Landmarks without head pose.

    landmarks: (T, 478, 3) cm in the neutral face's frame. rotation: (T, 3, 3) head rotation, camera frame.
    translation: (T, 3) cm, the stable points' centre in the camera frame. cm_per_pixel: the clip's fixed scale.
    residual: (T,) cm, RMS of the stable points after alignment: large where the tracker is unsure.
    """

    landmarks: NDArray[np.float64]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    cm_per_pixel: float
    residual: NDArray[np.float64]


def align(landmarks: FloatArray, neutral: FloatArray, points: NDArray[np.int64] = STABLE) -> PoseFreeTrack:
    """Align every frame of (T, 478, 3) pixel landmarks to ``neutral`` (478, 3) cm on ``points``.

    Rotation is per frame (Kabsch); scale is one number per clip (the median of the per-frame least-squares
    scales), so that opening the mouth or turning the head cannot change the size of the face.
    """
    face = np.asarray(landmarks, dtype=np.float64) * _TO_FACE_AXES
    target = neutral[points].astype(np.float64)
    target_centre = target.mean(axis=0)
    centre = face[:, points].mean(axis=1)
    source = face[:, points] - centre[:, None]
    # covariance of target against source: R turns the neutral face into the observed one
    u, singular, vt = np.linalg.svd(np.einsum("tni,nj->tij", source, target - target_centre))
    sign = np.sign(np.linalg.det(u @ vt))
    correction = np.ones((len(face), 3))
    correction[:, 2] = sign
    rotation = (u * correction[:, None, :]) @ vt
    scale = (singular * correction).sum(axis=1) / np.maximum((source**2).sum(axis=(1, 2)), 1e-12)
    cm_per_pixel = float(np.median(scale))
    # row vectors times R apply its inverse
    free = cm_per_pixel * np.einsum("tni,tij->tnj", face - centre[:, None], rotation) + target_centre
    error = free[:, points] - target
    residual = np.sqrt((error**2).sum(axis=2).mean(axis=1))
    return PoseFreeTrack(free, rotation, centre * cm_per_pixel, cm_per_pixel, residual)


@dataclass(frozen=True, slots=True, eq=False)
class UniformTrack:
    """landmarks: (T, 478, 3) pixels at a constant ``fps``; measured: (T,) False where a gap was bridged."""

    landmarks: NDArray[np.float64]
    seconds: NDArray[np.float64]
    measured: NDArray[np.bool_]
    fps: float


def uniform_landmarks(track: FaceTrack, fps: float, start_seconds: float = 0.0) -> UniformTrack:
    """Sample a track at start + k / fps by its timestamps, so that frame k is in step with sound cut there.

    Gaps are bridged linearly and marked; before the first and after the last frame the nearest one holds.
    """
    span = track.seconds[-1] - start_seconds + 1.0 / track.fps
    seconds = start_seconds + np.arange(max(int(np.floor(span * fps + 1e-6)), 1)) / fps
    known = np.flatnonzero(track.valid)
    if len(known) == 0:
        raise ValueError("uniform_landmarks needs at least one frame with a face")
    times = track.seconds[known]
    upper = np.clip(np.searchsorted(times, seconds), 1, max(len(times) - 1, 1)) if len(times) > 1 else None
    if upper is None:
        landmarks = np.repeat(track.landmarks[known], len(seconds), axis=0).astype(np.float64)
        gap = np.zeros(len(seconds))
    else:
        left, right = times[upper - 1], times[upper]
        blend = np.clip((seconds - left) / (right - left), 0.0, 1.0)[:, None, None]
        before = track.landmarks[known[upper - 1]].astype(np.float64)
        landmarks = before + blend * (track.landmarks[known[upper]] - before)
        gap = right - left
    # a bridge longer than two source frames is a guess, not a measurement
    measured = gap <= 2.2 / min(track.fps, fps)
    return UniformTrack(landmarks, seconds, measured, fps)
