# SPDX-License-Identifier: GPL-3.0-or-later
"""Several motions of one speech as one, by weights that change over time; lips that meet go on meeting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .basis import open_basis
from .closures import keep_closures
from .motion import EXPRESSION_SIZE, Motion

# what has less than this of the weight has no say in where lips meet
_LEAST_SHARE = 0.05


def normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, N) shares that add up to 1, from weights of any size; the first has all where none has any."""
    positive = np.maximum(np.asarray(weights, np.float64), 0.0)
    total = positive.sum(axis=1, keepdims=True)
    first = np.zeros_like(positive)
    first[:, 0] = 1.0
    return np.where(total > 1e-9, positive / np.maximum(total, 1e-9), first)


def blend_over_time(motions: Sequence[Motion], shares: NDArray[np.float64]) -> Motion:
    """N motions of one length and rate by (T, N) shares. Gaze is that of the motion with most of the time.

    Raises ValueError for motions that do not belong together.
    """
    first = motions[0]
    if any((len(m), m.fps, m.basis_hash) != (len(first), first.fps, first.basis_hash) for m in motions):
        raise ValueError("the motions differ in length, rate or basis")
    if shares.shape != (len(first), len(motions)):
        raise ValueError(f"shares have shape {shares.shape}")
    vectors = np.stack([motion.face_vector() for motion in motions], axis=1)
    mixed = np.einsum("tn,tnv->tv", shares, vectors.astype(np.float64)).astype(np.float32)
    head = np.einsum("tn,tnv->tv", shares, np.stack([m.head for m in motions], axis=1)).astype(np.float32)
    leading = motions[int(shares.mean(axis=0).argmax())]
    blended = leading.replace(expression=mixed[:, :EXPRESSION_SIZE], jaw=mixed[:, EXPRESSION_SIZE:], head=head)
    for number, motion in enumerate(motions):
        kept = keep_closures(motion, blended, open_basis()).face_vector()
        counts = (shares[:, number] > _LEAST_SHARE)[:, None]
        vector = np.where(counts, kept, blended.face_vector()).astype(np.float32)
        blended = blended.replace(expression=vector[:, :EXPRESSION_SIZE], jaw=vector[:, EXPRESSION_SIZE:])
    return blended
