# SPDX-License-Identifier: GPL-3.0-or-later
"""Refining a coarse triangle mesh and filling in the new points smoothly, linearly in the coarse values.

The same linear operator carries positions, expression directions and jaw weights, so the refined face moves
exactly as its landmarks do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.sparse.linalg import splu


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """A mesh after midpoint subdivision; the first points are the coarse ones.

    blend: (N, M) sparse, each fine point as a mean of coarse points. triangles: (F, 3).
    parents: (F,) the coarse triangle that each fine triangle lies in.
    """

    blend: sparse.csr_matrix
    triangles: NDArray[np.int64]
    parents: NDArray[np.int64]


def subdivide(triangles: NDArray[np.int64], points: int, levels: int) -> Refined:
    """Split every triangle in four, ``levels`` times."""
    blend = sparse.identity(points, format="csr")
    parents = np.arange(len(triangles))
    for _ in range(levels):
        edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        unique, inverse = np.unique(edges, axis=0, return_inverse=True)
        middle = blend.shape[0] + inverse.reshape(3, -1).T
        a, b, c = triangles.T
        ab, bc, ca = middle.T
        triangles = np.concatenate(
            [np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
        parents = np.tile(parents, 4)
        blend = sparse.vstack([blend, 0.5 * (blend[unique[:, 0]] + blend[unique[:, 1]])]).tocsr()
    return Refined(blend, triangles, parents)


def boundary_loops(triangles: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Closed loops of border vertices; the mesh lies to the left of each loop's direction."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    known = set(map(tuple, edges.tolist()))
    following = {a: b for a, b in known if (b, a) not in known}
    loops = []
    while following:
        loop = [next(iter(following))]
        while (after := following.pop(loop[-1])) != loop[0]:
            loop.append(after)
        loops.append(np.array(loop))
    return loops


def arc_weights(positions: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """(K', K) matrix that puts ``steps - 1`` new points between K points of an open curve, by a cubic spline."""
    knots = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(positions, axis=0), axis=1))])
    fine = np.interp(np.arange((len(knots) - 1) * steps + 1) / steps, np.arange(len(knots)), knots)
    return CubicSpline(knots, np.eye(len(knots)), bc_type="natural")(fine)


class Fairing:
    """Smoothest values (least bent, in the sense of the squared Laplacian) under fixed and wished-for values."""

    def __init__(
        self,
        vertices: NDArray[np.float64],
        triangles: NDArray[np.int64],
        fixed: NDArray[np.int64],
        free_rim: NDArray[np.int64],
        pull: NDArray[np.float64],
    ) -> None:
        """Factorise once for all solves.

        vertices: (N, 3) rough shape; fixed: indices that keep their values; free_rim: border points, where bending
        costs nothing; pull: (N,) how strongly each point is drawn to its wish.
        """
        laplacian, area = _laplacian(vertices, triangles)
        keep = np.ones(len(vertices))
        keep[free_rim] = 0.0
        bending = laplacian.T @ sparse.diags(keep / area) @ laplacian
        self._matrix = (bending + sparse.diags(pull * area)).tocsc()
        self._pull = pull * area
        self._fixed = fixed
        self._free = np.setdiff1d(np.arange(len(vertices)), fixed)
        self._factor = splu(self._matrix[self._free][:, self._free])

    def solve(self, fixed_values: NDArray[np.float64], wishes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, K) values from (len(fixed), K) fixed values and (N, K) wishes."""
        right = self._pull[self._free, None] * wishes[self._free]
        right -= self._matrix[self._free][:, self._fixed] @ fixed_values
        result = np.empty((len(wishes), wishes.shape[1]))
        result[self._fixed] = fixed_values
        result[self._free] = self._factor.solve(right)
        return result


def _laplacian(
    vertices: NDArray[np.float64], triangles: NDArray[np.int64]
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """Cotangent Laplacian (rows sum to zero) and each vertex's share of the area."""
    count = len(vertices)
    matrix = sparse.csr_matrix((count, count))
    area = np.zeros(count)
    for corner in range(3):
        tip, a, b = (triangles[:, (corner + k) % 3] for k in range(3))
        u, v = vertices[a] - vertices[tip], vertices[b] - vertices[tip]
        double_area = np.maximum(np.linalg.norm(np.cross(u, v), axis=1), 1e-6)
        # slivers would give huge or negative weights that ruin the solve
        weight = np.clip((u * v).sum(axis=1) / double_area, 0.05, 20.0) / 2
        matrix = matrix + sparse.csr_matrix((weight, (a, b)), (count, count))
        np.add.at(area, tip, double_area / 6)
    matrix = matrix + matrix.T
    return sparse.csr_matrix(sparse.diags(np.asarray(matrix.sum(axis=1)).ravel()) - matrix), np.maximum(area, 1e-6)
