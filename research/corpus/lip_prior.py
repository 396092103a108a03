# SPDX-License-Identifier: GPL-3.0-or-later
"""The face that goes with given lips: how tracked talkers' jaw and expression move together, as a Gaussian.

Lips from another source (a rig's controls, a few markers) do not say how far jaw, cheeks and depth go along; fitted
alone they leave the range in which talkers' coefficients lie. The prior fills them in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import LIPS
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE, Motion
from core.face.region_chart import displacement_per_hinged_value
from core.face.rotations import FloatArray
from research.training.motion_data import MotionPair

# cm^2: how far a foreign lip point may be from the talkers' own; 0.03 keeps 87 % of the opening and shuts what is shut
MISFIT_VARIANCE = 0.03
# x, y, z: a foreign rig's depth is not the tracker's
AXIS_WEIGHTS = np.array([1.0, 1.0, 0.3])


@dataclass(frozen=True, slots=True, eq=False)
class LipPrior:
    """gain: (51, 120), from weighted lip displacement (40 points x 3) to 50 coefficients and the jaw's angle."""

    gain: NDArray[np.float64]
    hinge_axis: NDArray[np.float64]

    @classmethod
    def fit(cls, pairs: list[MotionPair], basis: FaceBasis) -> LipPrior:
        """Maximum a posteriori with the talkers' second moments as prior, each person counting the same."""
        prior = np.linalg.inv(_second_moment(pairs, basis) + 1e-8 * np.eye(EXPRESSION_SIZE + 1))
        design = _lip_design(basis)
        gain = np.linalg.solve(design @ design.T + MISFIT_VARIANCE * prior, design)
        return cls(gain, basis.hinge_axis.astype(np.float64))

    def motion(self, lips: FloatArray) -> NDArray[np.float32]:
        """(T, 40, 3) cm lip displacement to (T, 53) motion."""
        observed = (lips * AXIS_WEIGHTS).reshape(len(lips), -1)
        solved = observed @ self.gain.T
        jaw = np.maximum(solved[:, EXPRESSION_SIZE:], 0.0) * self.hinge_axis
        return np.concatenate([solved[:, :EXPRESSION_SIZE], jaw], axis=1).astype(np.float32)


def as_motion(values: NDArray[np.float32], basis: FaceBasis, fps: float) -> Motion:
    """(T, 53) values as a :class:`Motion` with a still head and gaze."""
    frames = len(values)
    if values.shape != (frames, MOTION_SIZE):
        raise ValueError(f"as_motion needs (T, {MOTION_SIZE}) values, got {values.shape}")
    return Motion(
        fps=fps,
        expression=values[:, :EXPRESSION_SIZE].astype(np.float32),
        jaw=values[:, EXPRESSION_SIZE:].astype(np.float32),
        head=np.zeros((frames, 3), np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )


def _second_moment(pairs: list[MotionPair], basis: FaceBasis) -> NDArray[np.float64]:
    people: dict[str, list[NDArray[np.float32]]] = {}
    for pair in pairs:
        people.setdefault(pair.clip.person, []).append(pair.motion)
    moments = []
    for parts in people.values():
        motion = np.concatenate(parts).astype(np.float64)
        angle = motion[:, EXPRESSION_SIZE:] @ basis.hinge_axis
        values = np.concatenate([motion[:, :EXPRESSION_SIZE], angle[:, None]], axis=1)
        # about zero, the resting face: lips at rest must give a face at rest
        moments.append(values.T @ values / len(values))
    return np.asarray(np.mean(moments, axis=0))


def _lip_design(basis: FaceBasis) -> NDArray[np.float64]:
    """(51, 120) weighted lip movement per unit of each coefficient and per radian of the jaw."""
    lips = displacement_per_hinged_value(basis)[:, LIPS]
    return np.asarray((lips * AXIS_WEIGHTS).reshape(len(lips), -1))
