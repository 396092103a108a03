# SPDX-License-Identifier: GPL-3.0-or-later
"""A small shaded picture of a mesh, with the triangle seen at every pixel. numpy only.

A face tracker needs no more than a smooth-shaded head. Drawing it here and not with Blender's renderer leaves
the user's scene alone by construction, works without a GPU or EGL, looks the same in every Blender version,
and gives each pixel's triangle for free, so that landmarks need no ray casting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray

_BACKGROUND = np.array([70, 80, 92], np.uint8)
_ROW_BAND = 4_000_000  # candidate pixels tested at once
_EDGE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """An orthographic camera: rows of ``axes`` are picture right, up and towards the viewer in mesh axes.

    centre: (3,) mesh point in the middle of the picture; width: what the picture spans, in mesh units.
    """

    axes: FloatArray
    centre: FloatArray
    width: float
    pixels: int

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) mesh points to (..., 3): pixel x (right), pixel y (down), depth (larger is nearer)."""
        local = (np.asarray(points, dtype=np.float64) - self.centre) @ self.axes.T
        scale = self.pixels / self.width
        middle = self.pixels / 2
        return np.stack(
            [local[..., 0] * scale + middle, middle - local[..., 1] * scale, local[..., 2] * scale], axis=-1
        )


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """rgb: (H, W, 3) uint8. triangle: (H, W) index of the triangle seen, -1 for background."""

    rgb: NDArray[np.uint8]
    triangle: NDArray[np.int32]


def draw(vertices: FloatArray, triangles: NDArray[np.int32], colours: FloatArray, view: View) -> Picture:
    """Draw with smooth normals and a soft light; ``colours`` is (V, 3) in 0..1 per vertex."""
    projected = view.project(vertices)
    seen = _triangle_buffer(projected, triangles, view.pixels)
    rgb = np.tile(_BACKGROUND, (view.pixels, view.pixels, 1))
    rows, columns = np.nonzero(seen >= 0)
    corners = triangles[seen[rows, columns]]
    weights = barycentric_2d(projected[corners, :2], np.stack([columns, rows], -1) + 0.5)
    shade = _shading(vertices, triangles, view)[:, None] * colours
    pixels = np.einsum("pck,pc->pk", shade[corners], weights)
    # a display curve: the lights above are linear
    rgb[rows, columns] = (255 * np.clip(pixels, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return Picture(rgb, seen)


def barycentric_2d(corners: FloatArray, points: FloatArray) -> FloatArray:
    """Weights (P, 3) of points (P, 2) in triangles (P, 3, 2), clipped into the triangle."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = _cross(b - a, c - a)
    safe = np.where(np.abs(area) < 1e-12, 1.0, area)
    second = _cross(points - a, c - a) / safe
    third = _cross(b - a, points - a) / safe
    weights = np.clip(np.stack([1 - second - third, second, third], -1), 0, None)
    return weights / weights.sum(axis=1, keepdims=True)


def vertex_normals(vertices: FloatArray, triangles: NDArray[np.int32]) -> FloatArray:
    """(V, 3) area-weighted unit normals."""
    corners = np.asarray(vertices, dtype=np.float64)[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros((len(vertices), 3))
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, corner], faces[:, axis], minlength=len(vertices))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _shading(vertices: FloatArray, triangles: NDArray[np.int32], view: View) -> FloatArray:
    """(V,) brightness: lit from above and in front, facing either way. Evenly, so that the tracker sees evenly."""
    local = vertex_normals(vertices, triangles) @ view.axes.T
    local *= np.where(local[:, 2:] < 0, -1.0, 1.0)
    above = np.array([0.0, 0.59, 0.81])
    front = np.array([0.0, -0.22, 0.976])
    shade: FloatArray = 0.08 + 0.62 * np.clip(local @ above, 0, None) + 0.20 * np.clip(local @ front, 0, None)
    return shade


def _triangle_buffer(projected: FloatArray, triangles: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """(size, size) nearest triangle per pixel. All pixels of all bounding boxes are tested at once, in bands."""
    corners = projected[triangles]
    # boxes of pixel centres: those of a triangle of two pixels are a third of what its box touches
    low = np.clip(np.ceil(corners[..., :2].min(axis=1) - 0.5 - _EDGE).astype(int), 0, size)
    high = np.clip(np.floor(corners[..., :2].max(axis=1) - 0.5 + _EDGE).astype(int) + 1, 0, size)
    extent = high - low
    area = _cross(corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2])
    candidates = np.nonzero((extent > 0).all(axis=1) & (np.abs(area) > 1e-12))[0]
    depth = np.full(size * size, -np.inf)
    seen = np.full(size * size, -1, np.int32)
    for band in _bands(candidates, extent.prod(axis=1)):
        triangle, pixel, height = _covered(band, corners, low, extent, size)
        # nearest last, so that the assignment keeps it
        order = np.argsort(height, kind="stable")
        order = order[height[order] > depth[pixel[order]]]
        depth[pixel[order]] = height[order]
        seen[pixel[order]] = triangle[order]
    return seen.reshape(size, size)


def _bands(candidates: NDArray[np.intp], areas: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Split the triangles so that no batch tests more than ``_ROW_BAND`` pixels (one triangle at least)."""
    group = np.cumsum(areas[candidates]) // _ROW_BAND
    return np.split(candidates, np.nonzero(np.diff(group))[0] + 1)


def _covered(
    band: NDArray[np.intp], corners: FloatArray, low: NDArray[np.int64], extent: NDArray[np.int64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """Triangle, flat pixel index and depth of every pixel centre inside a triangle of the band."""
    count = extent[band].prod(axis=1)
    a, b, c = (corners[band, corner] for corner in range(3))
    first, second, start = b[:, :2] - a[:, :2], c[:, :2] - a[:, :2], low[band] + 0.5 - a[:, :2]
    area = _cross(first, second)
    # weights of b and c are straight in x and y: at the box's first centre, and what a step to either side adds
    of_b = _cross(start, second) / area, second[:, 1] / area, -second[:, 0] / area
    of_c = _cross(first, start) / area, -first[:, 1] / area, first[:, 0] / area
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    down, right = np.divmod(step, np.repeat(extent[band, 0], count))
    at_b, at_c = (
        np.repeat(base, count) + np.repeat(by_x, count) * right + np.repeat(by_y, count) * down
        for base, by_x, by_y in (of_b, of_c)
    )
    inside = np.flatnonzero((at_b >= -_EDGE) & (at_c >= -_EDGE) & (at_b + at_c <= 1 + _EDGE))
    place = np.repeat(np.arange(len(band)), count)[inside]
    x, y = low[band[place], 0] + right[inside], low[band[place], 1] + down[inside]
    height = a[place, 2] + at_b[inside] * (b - a)[place, 2] + at_c[inside] * (c - a)[place, 2]
    return band[place], y * size + x, height


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
