# SPDX-License-Identifier: GPL-3.0-or-later
"""How the face moves over time: upper-face dynamics, jitter, seams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.landmarks import UPPER_FACE
from core.face.rotations import FloatArray
from core.tracking.smooth import savitzky_golay

JITTER_WINDOW_FRAMES = 7
SEAM_PERCENTILE = 95.0
_MM_PER_CM = 10.0


@dataclass(frozen=True, slots=True)
class UpperFaceDynamics:
    """Deviation in mm²; positive: the generated upper face moves less than the true one."""

    signed: float
    absolute: float


def upper_face_deviation(truths: list[FloatArray], generated: list[FloatArray]) -> UpperFaceDynamics:
    """FDD: true minus generated mean over upper-face points of the spread over time of squared displacement.

    Sequences of (T, 478, 3) cm displacements from neutral. Source: CodeTalker (Xing et al. 2023) and its code; it
    prints the mean of signed differences, in which errors of opposite sign cancel, so the mean of absolutes is beside.
    """
    differences = np.array([_dynamics(t) - _dynamics(g) for t, g in zip(truths, generated, strict=True)])
    return UpperFaceDynamics(float(differences.mean()), float(np.abs(differences).mean()))


def _dynamics(displacement: FloatArray) -> float:
    points = np.asarray(displacement, np.float64)[:, UPPER_FACE] * _MM_PER_CM
    return float((points**2).sum(axis=-1).std(axis=0).mean())


def jitter_mm(displacement: FloatArray) -> float:
    """Root mean square distance of the points from their own quadratic fit over 7 frames, in millimetres.

    Source: the frame-jitter measure of our tracker study (residual to a 7-frame Savitzky-Golay filter). Real fast
    motion counts as well: compare with the truth's value, not with zero.
    """
    points = np.asarray(displacement, np.float64)
    residual = points - savitzky_golay(points, JITTER_WINDOW_FRAMES)
    return float(np.sqrt((residual**2).sum(axis=-1).mean()) * _MM_PER_CM)


def seam_jump(values: FloatArray, seams: NDArray[np.integer]) -> float:
    """95th percentile of the change at seams over the same percentile elsewhere; about 1 where no seam shows.

    values: (T, D). seams: indices of the frames after which two windows meet, so that the change from frame s to
    s + 1 is the seam's. Source: ours (docs/papers.md 4).
    """
    change = np.linalg.norm(np.diff(np.asarray(values, np.float64), axis=0), axis=1)
    at_seam = np.zeros(len(change), bool)
    at_seam[np.asarray(seams, np.intp)] = True
    if not at_seam.any() or at_seam.all():
        raise ValueError("seam_jump needs frames at seams and frames elsewhere")
    elsewhere = float(np.percentile(change[~at_seam], SEAM_PERCENTILE))
    return float(np.percentile(change[at_seam], SEAM_PERCENTILE)) / max(elsewhere, 1e-12)
