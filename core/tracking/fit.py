# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose-free landmarks to jaw angle, expression coefficients and gaze in a face basis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.jaw import JAW_RANGE_RADIANS, undo_jaw
from ..face.landmark_weights import landmark_weights
from ..face.landmarks import CHIN_POINTS, IRIS_LEFT, IRIS_RIGHT
from ..face.rotations import FloatArray

# variance of the tracker's noise in weighted centimetres, relative to unit coefficients (MAP shrinkage)
NOISE_VARIANCE = 8e-4
EYEBALL_RADIUS_CM = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class FittedFace:
    """expression: (T, 50); jaw: (T, 3) radians; gaze: (T, 2, 2) radians."""

    expression: NDArray[np.float32]
    jaw: NDArray[np.float32]
    gaze: NDArray[np.float32]


def fit(displacement: FloatArray, basis: FaceBasis, noise_variance: float = NOISE_VARIANCE) -> FittedFace:
    """Fit (T, 478, 3) cm displacements from neutral: the jaw from the chin first, then the expression by ridge.

    noise_variance: how far the displacements may be from what the basis' people do; more keeps coefficients smaller.

    The order is that of the basis' own training, so that one movement has one description.
    """
    jaw = jaw_rotvec(displacement, basis)
    expression = project(unposed_expression(displacement, jaw, basis), basis, noise_variance)
    return FittedFace(expression, jaw.astype(np.float32), _gaze(displacement, basis))


def jaw_rotvec(displacement: FloatArray, basis: FaceBasis) -> NDArray[np.float64]:
    """(T, 3) hinge rotation that moves the chin's skin as observed (least squares on the tangent)."""
    tangent = np.cross(basis.hinge_axis, basis.neutral[CHIN_POINTS] - basis.hinge_point)
    share = tangent * basis.jaw_weights[CHIN_POINTS, None]
    angle = np.tensordot(displacement[:, CHIN_POINTS], share, axes=2) / (share**2).sum()
    return np.clip(angle, *JAW_RANGE_RADIANS)[:, None] * basis.hinge_axis.astype(np.float64)


def unposed_expression(displacement: FloatArray, jaw: FloatArray, basis: FaceBasis) -> NDArray[np.float64]:
    """Undo the jaw's skinning: the (T, 478, 3) expression that, turned by the jaw, gives ``displacement``."""
    remaining = displacement - basis.jaw_displacement(jaw)
    return undo_jaw(remaining, jaw, basis.jaw_weights)


def project(expression: FloatArray, basis: FaceBasis, noise_variance: float = NOISE_VARIANCE) -> NDArray[np.float32]:
    """(T, 478, 3) expression displacement to (T, 50) coefficients: maximum a posteriori with unit priors."""
    weights = landmark_weights()
    design = (basis.directions * weights).reshape(len(basis.directions), -1).astype(np.float64)
    gram = design @ design.T + noise_variance * np.eye(len(design))
    observed = (expression * weights).reshape(len(expression), -1)
    return np.linalg.solve(gram, design @ observed.T).T.astype(np.float32)


def _gaze(displacement: FloatArray, basis: FaceBasis) -> NDArray[np.float32]:
    """(T, 2, 2) pitch (down positive) and yaw (to the person's left positive) of left and right eye."""
    gaze = np.zeros((len(displacement), 2, 2), np.float32)
    for eye, iris in enumerate((IRIS_LEFT, IRIS_RIGHT)):
        offset = displacement[:, iris].mean(axis=1) / EYEBALL_RADIUS_CM
        gaze[:, eye, 0] = -np.arcsin(np.clip(offset[:, 1], -0.8, 0.8))
        gaze[:, eye, 1] = np.arcsin(np.clip(offset[:, 0], -0.8, 0.8))
    return gaze
