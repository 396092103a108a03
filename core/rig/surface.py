# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about a triangle mesh: connected pieces, and the nearest point on it. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray

_NEAR_TRIANGLES = 24
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePoints:
    """Points on a mesh: triangles (N, 3) vertex indices and barycentric (N, 3)."""

    triangles: NDArray[np.int32]
    barycentric: FloatArray


def pieces(vertex_count: int, triangles: NDArray[np.int32]) -> NDArray[np.int64]:
    """(V,) label of each vertex's connected piece, the smallest vertex index in it."""
    label = np.arange(vertex_count)
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    while True:
        lowest = label.copy()
        smaller = label[edges].min(axis=1)
        np.minimum.at(lowest, edges[:, 0], smaller)
        np.minimum.at(lowest, edges[:, 1], smaller)
        # pointer jumping: halves the remaining path lengths, so the loop runs a dozen times, not a thousand
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
            return label
        label = lowest


def nearest_points(points: FloatArray, vertices: FloatArray, triangles: NDArray[np.int32]) -> SurfacePoints:
    """The closest point of the mesh to each of ``points`` (N, 3)."""
    corners = np.asarray(vertices, dtype=np.float64)[triangles]
    centres = corners.mean(axis=1)
    count = min(_NEAR_TRIANGLES, len(triangles))
    chosen = np.empty(len(points), np.int64)
    weights = np.empty((len(points), 3))
    for start in range(0, len(points), _CHUNK):
        chunk = points[start : start + _CHUNK]
        squared = ((chunk[:, None] - centres[None]) ** 2).sum(axis=-1)
        near = np.argpartition(squared, count - 1, axis=1)[:, :count]
        barycentric = _closest_in_triangle(chunk[:, None], corners[near])
        found = np.einsum("pkc,pkcd->pkd", barycentric, corners[near])
        best = ((found - chunk[:, None]) ** 2).sum(axis=-1).argmin(axis=1)
        row = np.arange(len(chunk))
        chosen[start : start + _CHUNK] = near[row, best]
        weights[start : start + _CHUNK] = barycentric[row, best]
    return SurfacePoints(triangles[chosen].astype(np.int32), weights)


def _closest_in_triangle(points: FloatArray, corners: FloatArray) -> FloatArray:
    """Barycentric weights of the closest point: inside, else on the best of the three edges."""
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    inside = np.stack([1 - v - w, v, w], -1)
    options = np.stack([inside, *(_on_edge(points, corners, i, j) for i, j in ((0, 1), (1, 2), (2, 0)))], -2)
    places = np.einsum("...oc,...cd->...od", options, corners)
    squared = ((places - points[..., None, :]) ** 2).sum(-1)
    squared[..., 0] = np.where((inside >= 0).all(-1), squared[..., 0], np.inf)
    best = squared.argmin(-1)[..., None, None]
    return np.take_along_axis(options, best, axis=-2)[..., 0, :]


def _on_edge(points: FloatArray, corners: FloatArray, first: int, second: int) -> FloatArray:
    start, edge = corners[..., first, :], corners[..., second, :] - corners[..., first, :]
    length = np.maximum((edge * edge).sum(-1), 1e-30)
    along = np.clip(((points - start) * edge).sum(-1) / length, 0, 1)
    weights = np.zeros((*along.shape, 3))
    weights[..., first], weights[..., second] = 1 - along, along
    return weights
