# SPDX-License-Identifier: GPL-3.0-or-later
"""The lips of one mesh as a viewer sees them: their silhouettes, column by column across the mouth.

Landmarks on the lips say where the lips are, not whether one sees between them: lips of one rig rest four
millimetres over each other, those of another a hair apart. What a viewer sees in a column is the lowest point of
the whole upper lip against the highest of the lower one, crest or inner side, whichever is in the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT
from ..face.rotations import FloatArray, matrix_from_rotvec

# outer-lip landmarks from the person's right to the left: what belongs to the upper and what to the lower lip is told
# by which of the two rows is nearer along the surface
UPPER_ROW = np.array([40, 39, 37, 0, 267, 269, 270])
LOWER_ROW = np.array([91, 181, 84, 17, 314, 405, 321])
_UPPER_EDGE = np.array([61, 185, *UPPER_ROW, 409, 291])
_LOWER_EDGE = np.array([61, 146, *LOWER_ROW, 375, 291])
# how far from the outer row the crest and the inner side reach, along the surface and in depth, in basis centimetres
_REACH_CM = 2.2
_DEPTH_CM = 1.3
_LEAP_CM = 0.2
# columns nearer to each other have no slope between them
_LEAST_RUN_CM = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class LipColumns:
    """Points on mesh edges, (C, N) of each lip in each of C columns; short columns repeat their first point.

    first, second: vertex indices of the edge, (2, C, N), upper lip then lower. share: (2, C, N) of ``second``.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    share: FloatArray

    def points(self, values: FloatArray) -> FloatArray:
        """(..., V, k) per-vertex values to (..., 2, C, N, k)."""
        ends = np.asarray(values)[..., np.stack([self.first, self.second]), :]
        shares = np.stack([1 - self.share, self.share])
        taken: FloatArray = np.einsum("...elcnk,elcn->...lcnk", ends, shares)
        return taken


def silhouette_gaps(heights: FloatArray) -> FloatArray:
    """(..., 2, C, N) heights of the points of both lips to (..., C) visible gaps, negative where they overlap."""
    gaps: FloatArray = heights[..., 0, :, :].min(axis=-1) - heights[..., 1, :, :].max(axis=-1)
    return gaps


@dataclass(frozen=True, slots=True, eq=False)
class VisibleLips:
    """The points of :class:`LipColumns` on a rig, in basis axes and centimetres.

    neutral: (2, C, N, 3). keys: (K, 2, C, N, 3) per unit value. arm: (2, C, N, 3) from the jaw's joint.
    jaw_weights: (2, C, N). up, towards: (3,) what is upright to the viewer who stands before the mesh, and nearer.
    """

    neutral: FloatArray
    keys: FloatArray
    arm: FloatArray
    jaw_weights: FloatArray
    up: FloatArray
    towards: FloatArray

    @property
    def rest(self) -> FloatArray:
        """(C,) visible gaps of the neutral face."""
        return silhouette_gaps(self.neutral @ self.up)

    def gaps(self, key_values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, C) visible gaps with keys and jaw as Blender deforms them, between points of the lips above each other.

        A lower lip that has slid aside stands under another part of the upper one than at rest.
        """
        heights = self._heights(key_values, jaw)
        aside = self._places_aside(heights, key_values, jaw)
        slopes = _slopes(np.stack([heights[:, 0].min(axis=-1), heights[:, 1].max(axis=-1)], axis=1), aside)
        slid = aside[:, 0] - aside[:, 1]
        gaps: FloatArray = silhouette_gaps(heights) - 0.5 * slid * slopes.sum(axis=1)
        return gaps

    def gaps_per_key(self) -> FloatArray:
        """(K, C) growth of the gaps per unit of each key, at the points that show when the mouth is at rest."""
        growth: FloatArray = self._between_crests(self.keys) @ self.up
        return growth

    def shifts_per_key(self) -> FloatArray:
        """(K, C) how much nearer to the viewer each key brings the upper lip than the lower one, per unit."""
        shift: FloatArray = self._between_crests(self.keys) @ self.towards
        return shift

    def shifts(self, jaw: FloatArray) -> FloatArray:
        """(T, C) the same of the jaw alone, (T, 3)."""
        turned = np.einsum("tij,i->tj", matrix_from_rotvec(jaw), self.towards) - self.towards
        carried = self._between_crests((self.arm * self.jaw_weights[..., None])[None])[0]
        shift: FloatArray = turned @ carried.T
        return shift

    def _between_crests(self, moves: FloatArray) -> FloatArray:
        """(K, 2, C, N, 3) to (K, C, 3): upper less lower lip, at the points that show when the mouth is at rest."""
        height = self.neutral @ self.up
        crests = np.stack([height[0].argmin(axis=-1), height[1].argmax(axis=-1)])
        lip, column = np.ogrid[:2, : crests.shape[1]]
        shown = moves[:, lip, column, crests]
        between: FloatArray = shown[:, 0] - shown[:, 1]
        return between

    def _heights(self, key_values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, 2, C, N). Only what is upright is worked out: a third of the whole."""
        turned_up = np.einsum("tij,i->tj", matrix_from_rotvec(jaw), self.up) - self.up
        expression = np.tensordot(key_values, self.keys, axes=1)
        lifted = np.einsum("tlcnk,tk->tlcn", self.arm + expression, turned_up) * self.jaw_weights
        heights: FloatArray = self.neutral @ self.up + expression @ self.up + lifted
        return heights

    def _places_aside(self, heights: FloatArray, key_values: FloatArray, jaw: FloatArray) -> FloatArray:
        """(T, 2, C) where across the mouth the points of both lips stand that show; heights: (T, 2, C, N)."""
        across = np.cross(self.up, self.towards)
        crests = np.stack([heights[:, 0].argmin(axis=-1), heights[:, 1].argmax(axis=-1)], axis=1)
        lip, column = np.ogrid[:2, : crests.shape[2]]
        moved = np.einsum("tlckd,tk->tlcd", np.moveaxis(self.keys, 0, 3)[lip, column, crests], key_values)
        turned = np.einsum("tij,i->tj", matrix_from_rotvec(jaw), across) - across
        carried = np.einsum("tlcd,td->tlc", self.arm[lip, column, crests] + moved, turned)
        shown = self.neutral[lip, column, crests] + moved
        places: FloatArray = shown @ across + carried * self.jaw_weights[lip, column, crests]
        return places


def _slopes(heights: FloatArray, aside: FloatArray) -> FloatArray:
    """(..., C) how steeply the line of points (aside, heights) rises, each (..., C)."""
    run = _between_neighbours(aside)
    slopes: FloatArray = _between_neighbours(heights) / np.where(np.abs(run) < _LEAST_RUN_CM, np.inf, run)
    return slopes


def _between_neighbours(values: FloatArray) -> FloatArray:
    """(..., C) the next less the last of each."""
    ends = np.concatenate([values[..., :1], values, values[..., -1:]], axis=-1)
    between: FloatArray = ends[..., 2:] - ends[..., :-2]
    return between


def find_lip_columns(
    vertices: FloatArray, triangles: NDArray[np.int32], landmarks: FloatArray, across: FloatArray
) -> LipColumns | None:
    """Cut the neutral lips at ``across`` (C,), shares of the way from the right to the left corner of the mouth.

    vertices: (V, 3) and landmarks: (478, 3) in basis axes and centimetres. None where some column has no lip.
    """
    corners = landmarks[[MOUTH_CORNER_RIGHT, MOUTH_CORNER_LEFT]]
    columns = corners[0, 0] + across * (corners[1, 0] - corners[0, 0])
    edges = edges_about_mouth(vertices, triangles, landmarks)
    lips = lip_vertices(vertices, edges, landmarks)
    cut = [[_cut(vertices, edges, lip, column) for column in columns] for lip in lips]
    if any(len(found[0]) == 0 for row in cut for found in row):
        return None
    width = max(len(found[0]) for row in cut for found in row)
    padded = [[[_padded(part, width) for part in found] for found in row] for row in cut]
    first, second, share = (np.array([[found[i] for found in row] for row in padded]) for i in range(3))
    return _without_corners(
        LipColumns(first.astype(np.int64), second.astype(np.int64), share.astype(np.float64)), vertices
    )


def _without_corners(columns: LipColumns, vertices: FloatArray) -> LipColumns:
    """An outermost column whose gap leaps from its neighbour's has skin of the other lip: the neighbour's instead."""
    gaps = silhouette_gaps(columns.points(vertices)[..., 1])
    chosen = np.arange(len(gaps))
    for end, neighbour in ((0, 1), (-1, -2)):
        if abs(gaps[end] - gaps[neighbour]) > _LEAP_CM:
            chosen[end] = chosen[neighbour]
    return LipColumns(columns.first[:, chosen], columns.second[:, chosen], columns.share[:, chosen])


def edges_about_mouth(vertices: FloatArray, triangles: NDArray[np.int32], landmarks: FloatArray) -> NDArray[np.int64]:
    """(E, 2) mesh edges about the mouth."""
    rows = landmarks[np.concatenate([UPPER_ROW, LOWER_ROW])]
    low, high = rows.min(axis=0) - _REACH_CM, rows.max(axis=0) + _REACH_CM
    inside = ((vertices > low) & (vertices < high)).all(axis=1)
    near = triangles[inside[triangles].all(axis=1)].astype(np.int64)
    edges = np.sort(near[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.unique(edges, axis=0)


def lip_vertices(vertices: FloatArray, edges: NDArray[np.int64], landmarks: FloatArray) -> NDArray[np.bool_]:
    """(2, V) what belongs to the upper and to the lower lip, for edges (E, 2) about the mouth."""
    used = np.unique(edges)
    if not len(used):
        return np.zeros((2, len(vertices)), bool)
    reach = np.stack([_reach(vertices, edges, used, landmarks[row]) for row in (UPPER_ROW, LOWER_ROW)])
    # the mouth is bent round the teeth: its corners lie deeper than its middle
    front = np.minimum(*(np.interp(vertices[:, 0], *_by_x(landmarks[row], 2)) for row in (UPPER_ROW, LOWER_ROW)))
    lip = (reach.min(axis=0) < _REACH_CM) & (vertices[:, 2] > front - _DEPTH_CM)
    # about the corners, where one lip becomes the other, the nearer row is a guess: but no upper lip reaches below
    # the lower lip's outer edge
    top, bottom = (np.interp(vertices[:, 0], *_by_x(landmarks[edge], 1)) for edge in (_UPPER_EDGE, _LOWER_EDGE))
    upper = lip & (reach[0] < reach[1]) & (vertices[:, 1] > bottom)
    lower = lip & (reach[1] < reach[0]) & (vertices[:, 1] < top)
    return np.stack([upper, lower])


def _by_x(points: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(points[:, 0])
    return points[order, 0], points[order, axis]


def _reach(vertices: FloatArray, edges: NDArray[np.int64], used: NDArray[np.int64], row: FloatArray) -> FloatArray:
    """(V,) centimetres along the edges from the mesh's nearest vertices to a row of points; inf where not reached."""
    seeds = used[((vertices[used][None] - row[:, None]) ** 2).sum(axis=-1).argmin(axis=1)]
    distance = np.full(len(vertices), np.inf)
    distance[seeds] = np.linalg.norm(vertices[seeds] - row, axis=1)
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    while True:
        nearer = distance.copy()
        np.minimum.at(nearer, edges[:, 0], distance[edges[:, 1]] + length)
        np.minimum.at(nearer, edges[:, 1], distance[edges[:, 0]] + length)
        if np.array_equal(nearer, distance):
            return distance
        distance = nearer


def _cut(
    vertices: FloatArray, edges: NDArray[np.int64], lip: NDArray[np.bool_], column: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """The edges of a lip that cross the upright plane x = ``column``, and where."""
    chosen = edges[lip[edges].all(axis=1)]
    side = vertices[chosen, 0] - column
    crossing = (side[:, 0] < 0) != (side[:, 1] < 0)
    chosen, side = chosen[crossing], side[crossing]
    return chosen[:, 0], chosen[:, 1], side[:, 0] / (side[:, 0] - side[:, 1])


def _padded(values: NDArray[np.generic], width: int) -> NDArray[np.generic]:
    return np.concatenate([values, np.repeat(values[:1], width - len(values))])
