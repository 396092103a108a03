# SPDX-License-Identifier: GPL-3.0-or-later
"""How varied motion is, and how far one set of motion is from another as a distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.face.rotations import FloatArray

POSE_WINDOW_FRAMES = 25
POSE_WINDOW_HOP = 5


def diversity(vectors: FloatArray, mean: FloatArray | None = None, deviation: FloatArray | None = None) -> float:
    """Mean Euclidean distance over all ordered pairs of frame vectors (T, D), divided by T (T - 1).

    ``mean`` and ``deviation`` (D,) z-score the vectors first. Source: AdaMesh's released metric for expressions
    (53 values, z-scored) and, with axis-angle head poses, for poses. Closeness to the truth's value is what counts.
    """
    points = np.asarray(vectors, np.float64)
    if mean is not None and deviation is not None:
        points = (points - mean) / np.maximum(deviation, 1e-9)
    if len(points) < 2:
        return 0.0
    square = (points**2).sum(axis=1)
    between = np.maximum(square[:, None] + square[None, :] - 2 * points @ points.T, 0.0)
    np.fill_diagonal(between, 0.0)
    return float(np.sqrt(between).sum() / (len(points) * (len(points) - 1)))


def pose_spread(head: FloatArray) -> float:
    """LSD: mean over the three axes of the standard deviation over time of (T, 3) head rotation, radians (AdaMesh)."""
    return float(np.asarray(head, np.float64).std(axis=0).mean())


def with_differences(sequences: Sequence[FloatArray]) -> NDArray[np.float64]:
    """(N, 2 D): each frame's vector beside the step to the next, over all (T, D) sequences."""
    parts = []
    for sequence in sequences:
        values = np.asarray(sequence, np.float64)
        parts.append(np.concatenate([values[:-1], np.diff(values, axis=0)], axis=1))
    return np.concatenate(parts)


def windows(
    sequences: Sequence[FloatArray], frames: int = POSE_WINDOW_FRAMES, hop: int = POSE_WINDOW_HOP
) -> NDArray[np.float64]:
    """(N, frames * D): windows cut every ``hop`` frames, each relative to its own mean so that only shape counts."""
    parts = []
    for sequence in sequences:
        values = np.asarray(sequence, np.float64)
        for start in range(0, len(values) - frames + 1, hop):
            window = values[start : start + frames]
            parts.append((window - window.mean(axis=0)).ravel())
    width = frames * np.asarray(sequences[0]).shape[1]
    return np.stack(parts) if parts else np.zeros((0, width))


def frechet_distance(first: FloatArray, second: FloatArray) -> float:
    """Squared Fréchet distance between Gaussians fitted to two sets of vectors (N, D) and (M, D).

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½). Source: Heusel et al. 2017; on expression and pose vectors and their first
    differences as in the family of AdaMesh (FID_exp, FID_pose; its own scripts were not released).
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(a) < 2 or len(b) < 2:
        raise ValueError("frechet_distance needs two vectors or more on each side")
    shift = a.mean(axis=0) - b.mean(axis=0)
    c1, c2 = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    root = _square_root(c1)
    # the trace of the geometric mean from a symmetric product, so that no complex number appears
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ c2 @ root), 0.0)).sum()
    return max(float(shift @ shift + np.trace(c1) + np.trace(c2) - 2 * cross), 0.0)


def _square_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
