# SPDX-License-Identifier: GPL-3.0-or-later
"""The semantic-aware pose style matrix (AdaMesh, section 3.3): what the head does at each speech unit. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
# the count weight of a row saturates at this many frames (docs/papers.md 1.3)
COUNT_CAP = 20
SHRINKAGE_FRAMES = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class StyleMatrix:
    """rows: (K, d) mean latent per unit, zero where the unit never occurs. counts: (K,) frames per unit."""

    rows: NDArray[np.float32]
    counts: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.counts.shape != (len(self.rows),):
            raise ValueError(f"StyleMatrix of {self.rows.shape} rows and {self.counts.shape} counts")


def style_matrix(units: NDArray[np.int64], latents: FloatArray, unit_count: int) -> StyleMatrix:
    """(T,) units and (T, d) pre-quantisation latents of the same frames to their matrix.

    The order of frames does not matter. Source: AdaMesh, section 3.3 (mean of the latents over the frames of a unit).
    """
    frames = min(len(units), len(latents))
    counts = np.bincount(units[:frames], minlength=unit_count)
    total = np.zeros((unit_count, latents.shape[1]), np.float64)
    np.add.at(total, units[:frames], np.asarray(latents[:frames], np.float64))
    rows = total / np.maximum(counts, 1)[:, None]
    return StyleMatrix(rows.astype(np.float32), counts.astype(np.float32))


def matrix_distance(first: StyleMatrix, second: StyleMatrix, scale: FloatArray | float = 1.0) -> float:
    """d(S, S') = sum_j w_j |S_j - S'_j| / sum_j w_j, w_j = min(n_j, n'_j, cap); infinite without a common unit.

    ``scale``: (d,) weight of each latent dimension. Rows are shrunk first (:func:`shrunk_rows`). Source: AdaMesh
    retrieves the nearest matrix; its distance is not published, the count weight and the shrinkage are ours.
    """
    weight = np.minimum(np.minimum(first.counts, second.counts), COUNT_CAP).astype(np.float64)
    if weight.sum() <= 0:
        return float("inf")
    gap = np.linalg.norm((shrunk_rows(first) - shrunk_rows(second)) * scale, axis=1)
    return float((weight * gap).sum() / weight.sum())


def shrunk_rows(matrix: StyleMatrix) -> NDArray[np.float64]:
    """(K, d) rows shrunk towards the mean of all frames, which counts as ten more frames of every unit.

    In ten seconds most units occur for a frame or two, so their rows are noise; without shrinkage the style with the
    largest counts would be the nearest to every reference.
    """
    counts = matrix.counts[:, None].astype(np.float64)
    total = matrix.rows * counts
    mean = total.sum(axis=0) / max(float(counts.sum()), 1.0)
    steady: NDArray[np.float64] = (total + SHRINKAGE_FRAMES * mean) / (counts + SHRINKAGE_FRAMES)
    return steady
