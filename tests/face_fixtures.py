# SPDX-License-Identifier: GPL-3.0-or-later
"""A small synthetic face for tests: a bulged sheet with two lips and a basis on it. No data files needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face import landmarks as lm
from core.face.basis import FaceBasis
from core.face.motion import EXPRESSION_SIZE, Motion
from core.rig.correspond import LIP_PAIRS

JAW_HINGE_CM = np.array([0.0, -2.0, -7.0])


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticFace:
    """A mesh with one small triangle per landmark, in the basis' axes and centimetres."""

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    basis: FaceBasis


def landmark_positions(seed: int = 0) -> NDArray[np.float64]:
    """(478, 3) cm: spread over a face-sized, forward-bulging surface; lips in two rows that touch."""
    rng = np.random.default_rng(seed)
    points = np.empty((lm.LANDMARK_COUNT, 3))
    points[:, 0] = rng.uniform(-6, 6, lm.LANDMARK_COUNT)
    points[:, 1] = rng.uniform(-6, 7, lm.LANDMARK_COUNT)
    points[lm.STABLE, 1] = rng.uniform(2, 7, len(lm.STABLE))
    points[lm.CHIN_POINTS, 0] = rng.uniform(-2, 2, len(lm.CHIN_POINTS))
    points[lm.CHIN_POINTS, 1] = rng.uniform(-7, -5.5, len(lm.CHIN_POINTS))
    for ring, height in ((lm.OUTER_LIPS, 0.9), (lm.INNER_LIPS, 0.0)):
        angle = np.linspace(np.pi, 3 * np.pi, len(ring), endpoint=False)
        points[ring, 0] = 2.5 * np.cos(angle)
        points[ring, 1] = -3.5 + height * np.sin(angle)
    points[:, 2] = 3.0 - 0.08 * points[:, 0] ** 2 - 0.03 * points[:, 1] ** 2
    points[LIP_PAIRS[:, 0], 1] += 0.02
    points[LIP_PAIRS[:, 1], 1] -= 0.02
    return points


def jaw_share(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) 1 on the lower lip and chin, 0 above the mouth."""
    return np.clip(-2.6 - points[:, 1], 0, 1)


def synthetic_face(seed: int = 0) -> SyntheticFace:
    """The same face each time. Its 50 directions are smooth random bumps, so that keys can be told apart."""
    points = landmark_positions(seed)
    weights = jaw_share(points)
    weights[LIP_PAIRS[:, 0]] = 0.0
    weights[LIP_PAIRS[:, 1]] = 1.0
    corner = np.array([[0.0, 0.05, 0.0], [0.05, -0.03, 0.0], [-0.05, -0.03, 0.0]])
    vertices = (points[:, None] + corner).reshape(-1, 3)
    triangles = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    basis = FaceBasis(
        name="synthetic",
        neutral=points.astype(np.float32),
        directions=bumps(points, EXPRESSION_SIZE, seed + 1).astype(np.float32),
        hinge_point=JAW_HINGE_CM.astype(np.float32),
        hinge_axis=np.array([1, 0, 0], np.float32),
        jaw_weights=weights.astype(np.float32),
        triangles=triangles[:10],
        eye_centres=np.array([[3, 3, 0], [-3, 3, 0]], np.float32),
    )
    return SyntheticFace(vertices, triangles, basis)


def bumps(points: NDArray[np.float64], count: int, seed: int) -> NDArray[np.float64]:
    """(count, N, 3) smooth displacement fields in cm, the first ones larger, as in a PCA."""
    rng = np.random.default_rng(seed)
    fields = np.empty((count, len(points), 3))
    for index in range(count):
        centre = np.array([rng.uniform(-4, 4), rng.uniform(-5, 4), 2.0])
        size = rng.uniform(2, 5)
        falloff = np.exp(-((points - centre) ** 2).sum(axis=1) / size**2)
        fields[index] = falloff[:, None] * rng.normal(0, 0.25, 3) / (1 + 0.1 * index)
    return fields


def talking_motion(basis: FaceBasis, frames: int = 60, seed: int = 3) -> Motion:
    """Smooth random expression, a jaw that opens and shuts, some head motion and gaze, at 25 fps."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / 25.0
    rates, phases = rng.uniform(0.5, 3, (EXPRESSION_SIZE, 1)), rng.uniform(0, 1, (EXPRESSION_SIZE, 1))
    waves = np.sin(2 * np.pi * (rates * t + phases))
    jaw = np.zeros((frames, 3), np.float32)
    jaw[:, 0] = 0.15 * (1 - np.cos(2 * np.pi * 2 * t))
    head = np.stack([0.1 * np.sin(t), 0.2 * np.sin(0.7 * t), 0.05 * np.cos(t)], axis=1)
    gaze = np.stack([np.stack([0.05 * np.sin(t), 0.1 * np.cos(t)], 1)] * 2, axis=1)
    return Motion(
        fps=25.0,
        expression=(0.6 * waves.T).astype(np.float32),
        jaw=jaw,
        head=head.astype(np.float32),
        gaze=gaze.astype(np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
