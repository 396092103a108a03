# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the 478 landmarks on any face mesh: draw its neutral face, let the face tracker look, note what it saw.

The tracker lives in the engine process and this code in Blender's, so the search is a generator: it yields
pictures and is sent landmarks. :func:`find_landmarks` drives it with any ``track_image`` callable.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.landmarks import EYE_LEFT, EYE_RIGHT, FACE_OVAL, LANDMARK_COUNT, LIPS, SKIN_COUNT
from ..face.rotations import FloatArray, matrix_from_rotvec
from .description import LandmarkBinding
from .raster import Picture, View, barycentric_2d, draw, vertex_normals
from .surface import nearest_points, pieces

Pixels = NDArray[np.uint8]
Landmarks = NDArray[np.float32]
TrackImage = Callable[[Pixels], Landmarks | None]
LandmarkSearch = Generator[Pixels, Landmarks | None, LandmarkBinding]

PICTURE_PIXELS = 768
SIDE_YAW_RADIANS = np.radians(20.0)
_SKIN_COLOUR = (0.78, 0.55, 0.45)
_NOSE_TIP = 1
# upper and lower inner-lip points that touch when the mouth is shut, with the outer-lip points beyond them
LIP_PAIRS = np.array(
    [[191, 95], [80, 88], [81, 178], [82, 87], [13, 14], [312, 317], [311, 402], [310, 318], [415, 324]]
)
_OUTER_PAIRS = np.array(
    [[185, 146], [40, 91], [39, 181], [37, 84], [0, 17], [267, 314], [269, 405], [270, 321], [409, 375]]
)
# picture right, up, towards the viewer, as mesh axes; FLAME in Blender faces -Y with Z up
_FACINGS = (
    ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
)


@dataclass(frozen=True, slots=True, eq=False)
class FaceSurface:
    """A neutral face mesh to search. ``focus``: (V,) True where the expression keys move it, if known."""

    name: str
    vertices: FloatArray
    triangles: NDArray[np.int32]
    focus: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """One picture and what the tracker found in it, (478, 3) pixels."""

    view: View
    picture: Picture
    landmarks: Landmarks


def find_landmarks(surface: FaceSurface, track_image: TrackImage) -> LandmarkBinding:
    """Search with a tracker at hand. Raises :class:`RigError` when no face is seen from any side."""
    search = search_landmarks(surface)
    try:
        picture = next(search)
        while True:
            picture = search.send(track_image(picture))
    except StopIteration as finished:
        binding: LandmarkBinding = finished.value
        return binding


def search_landmarks(surface: FaceSurface) -> LandmarkSearch:
    """Yields pictures, expects landmarks (or None) in return, and returns the binding."""
    first = yield from _first_sight(surface)
    front = yield from _look(surface, _closer(first))
    front = front or first
    skin = _skin_vertices(surface, front)
    points, weights = _lift(surface, front, skin)
    total, share = points * weights[:, None], weights.copy()
    fixed = np.concatenate([LIPS, EYE_LEFT, EYE_RIGHT, np.arange(SKIN_COUNT, LANDMARK_COUNT)])
    visible = [front.picture.triangle]
    for yaw in (-SIDE_YAW_RADIANS, SIDE_YAW_RADIANS):
        side = yield from _look(surface, _turned(front.view, yaw))
        if side is not None:
            points, weights = _lift(surface, side, skin)
            # openings look best from the front: the far corner of a turned mouth is a guess
            weights[fixed] = 0
            total += points * weights[:, None]
            share += weights
            visible.append(side.picture.triangle)
    return _bound(surface, front, skin, total, share, np.unique(np.concatenate([v.ravel() for v in visible])))


def _first_sight(surface: FaceSurface) -> Generator[Pixels, Landmarks | None, _Sight]:
    spot = np.asarray(surface.vertices)[surface.focus if surface.focus.any() else slice(None)]
    if np.ptp(spot, axis=0).max() < 0.01 * np.ptp(surface.vertices, axis=0).max():
        # keys that move next to nothing do not show where the face is
        spot = np.asarray(surface.vertices)
    low, high = spot.min(axis=0), spot.max(axis=0)
    for axes in _FACINGS:
        # a face that fills a third of the picture is what the tracker knows best
        view = View(np.array(axes, float), (low + high) / 2, float((high - low).max()) * 1.5, PICTURE_PIXELS)
        sight = yield from _look(surface, view)
        if sight is not None and _is_front(surface, sight):
            return sight
    raise RigError(
        f'No face was recognised on the mesh "{surface.name}" from any side.',
        "Mimesh needs a human-like face in its neutral pose, both halves in the mesh itself, not by a Mirror; "
        "check the mesh's basis shape.",
    )


def _look(surface: FaceSurface, view: View) -> Generator[Pixels, Landmarks | None, _Sight | None]:
    colours = np.tile(np.array(_SKIN_COLOUR), (len(surface.vertices), 1))
    picture = draw(surface.vertices, surface.triangles, colours, view)
    landmarks = yield picture.rgb
    return None if landmarks is None else _Sight(view, picture, landmarks)


def _is_front(surface: FaceSurface, sight: _Sight) -> bool:
    """The back of a bald head can pass for a face; but there the 'nose' does not stick out."""
    rows, columns = _pixels(sight.landmarks, sight.view.pixels)
    seen = sight.picture.triangle[rows, columns]
    if (seen[:SKIN_COUNT] >= 0).mean() < 0.9:
        return False
    depth = sight.view.project(np.asarray(surface.vertices)[surface.triangles[seen]].mean(axis=1))[:, 2]
    outline = FACE_OVAL[seen[FACE_OVAL] >= 0]
    return bool(depth[_NOSE_TIP] - depth[outline].mean() > 0.15 * np.ptp(sight.landmarks[:, 0]))


def _closer(sight: _Sight) -> View:
    """The same camera, moved so that the face fills half of the picture."""
    view, scale = sight.view, sight.view.width / sight.view.pixels
    low, high = sight.landmarks[:, :2].min(axis=0), sight.landmarks[:, :2].max(axis=0)
    right, down = ((low + high) / 2 - view.pixels / 2) * scale
    centre = view.centre + right * view.axes[0] - down * view.axes[1]
    return View(view.axes, centre, float((high - low).max()) * scale * 1.9, view.pixels)


def _turned(view: View, yaw_radians: float) -> View:
    turn = matrix_from_rotvec(np.array([0.0, yaw_radians, 0.0]))
    return View(turn @ view.axes, view.centre, view.width, view.pixels)


def _skin_vertices(surface: FaceSurface, front: _Sight) -> NDArray[np.bool_]:
    """(V,) the connected piece that most landmarks lie on: the head without eyeballs, lashes and teeth."""
    label = pieces(len(surface.vertices), surface.triangles)
    rows, columns = _pixels(front.landmarks[:SKIN_COUNT], front.view.pixels)
    seen = front.picture.triangle[rows, columns]
    hit = label[surface.triangles[seen[seen >= 0], 0]]
    return label == np.bincount(hit).argmax()


def _lift(surface: FaceSurface, sight: _Sight, skin: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """(478, 3) surface points under the landmarks, and (478,) how squarely we see each, 0 where we do not."""
    seen = sight.picture.triangle
    on_skin = (seen >= 0) & skin[surface.triangles[seen, 0]]
    rows, columns = _pixels(sight.landmarks, sight.view.pixels)
    spot = sight.landmarks[:, :2].astype(np.float64)
    weights = np.zeros(LANDMARK_COUNT)
    for index in range(LANDMARK_COUNT):
        allowed = on_skin if index < SKIN_COUNT else seen >= 0
        place = _nearest_pixel(allowed, rows[index], columns[index])
        if place is not None:
            moved = place != (rows[index], columns[index])
            rows[index], columns[index] = place
            spot[index] = np.array(place[::-1]) + 0.5 if moved else spot[index]
            weights[index] = 1.0
    corners = surface.triangles[seen[rows, columns]]
    projected = sight.view.project(surface.vertices)
    barycentric = barycentric_2d(projected[corners, :2], spot)
    points = np.einsum("nc,ncd->nd", barycentric, np.asarray(surface.vertices, float)[corners])
    normals = vertex_normals(surface.vertices, surface.triangles)[corners].mean(axis=1)
    return points, weights * np.clip(np.abs(normals @ sight.view.axes[2]), 0.05, None) ** 2


def _nearest_pixel(allowed: NDArray[np.bool_], row: int, column: int, reach: int = 24) -> tuple[int, int] | None:
    """A landmark on an eyeball or just off the outline belongs to the nearest visible skin."""
    if allowed[row, column]:
        return row, column
    top, left = max(row - reach, 0), max(column - reach, 0)
    rows, columns = np.nonzero(allowed[top : row + reach + 1, left : column + reach + 1])
    if not len(rows):
        return None
    best = ((rows + top - row) ** 2 + (columns + left - column) ** 2).argmin()
    return int(rows[best] + top), int(columns[best] + left)


def _bound(
    surface: FaceSurface,
    front: _Sight,
    skin: NDArray[np.bool_],
    total: FloatArray,
    share: FloatArray,
    visible: NDArray[np.int32],
) -> LandmarkBinding:
    valid = share > 0
    points = total / np.maximum(share, 1e-12)[:, None]
    candidates = surface.triangles[visible[visible >= 0]]
    on_skin = nearest_points(points, surface.vertices, candidates[skin[candidates[:, 0]]])
    on_any = nearest_points(points[SKIN_COUNT:], surface.vertices, candidates)
    triangles, barycentric = on_skin.triangles.copy(), on_skin.barycentric.copy()
    triangles[SKIN_COUNT:], barycentric[SKIN_COUNT:] = on_any.triangles, on_any.barycentric
    _part_lips(surface, front, triangles, barycentric)
    return LandmarkBinding(triangles, barycentric.astype(np.float32), valid, f'tracked on "{surface.name}"')


def _part_lips(surface: FaceSurface, front: _Sight, triangles: NDArray[np.int32], barycentric: FloatArray) -> None:
    """Put each inner-lip pair on either side of the line where the lips meet (changes the arrays in place).

    On a shut mouth the tracker is a pixel or two off, which would bind both points to the same lip; and
    two points of one lip never open. Down a column of pixels the line shows as neighbours that share no vertex.
    """
    projected = front.view.project(surface.vertices)
    for (upper, lower), (top, bottom) in zip(LIP_PAIRS, _OUTER_PAIRS, strict=True):
        column = round(float(front.landmarks[[upper, lower], 0].mean()) - 0.5)
        first = round(float(front.landmarks[[upper, top], 1].mean()))
        last = round(float(front.landmarks[[lower, bottom], 1].mean()))
        seen = front.picture.triangle[first : last + 1, column]
        breaks = _breaks(seen, surface.triangles)
        if not len(breaks):
            continue
        for landmark, step in ((upper, breaks[0]), (lower, breaks[-1] + 1)):
            corner = surface.triangles[seen[step]]
            pixel = np.array([[column + 0.5, first + step + 0.5]])
            triangles[landmark] = corner
            barycentric[landmark] = barycentric_2d(projected[corner, :2][None], pixel)[0]


def _breaks(seen: NDArray[np.int32], triangles: NDArray[np.int32]) -> NDArray[np.intp]:
    """Steps i where the triangles of pixels i and i + 1 have no vertex in common."""
    corners = triangles[seen]
    touching = (corners[:-1, :, None] == corners[1:, None, :]).any(axis=(1, 2))
    return np.nonzero(~touching & (seen[:-1] >= 0) & (seen[1:] >= 0))[0]


def _pixels(landmarks: Landmarks, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pixel = np.clip(np.floor(landmarks[:, :2]).astype(np.int64), 0, size - 1)
    return pixel[:, 1], pixel[:, 0]
