# SPDX-License-Identifier: GPL-3.0-or-later
"""Eyeballs that the iris landmarks lie on, and eyelids with an edge and an inner side around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import IRIS_LEFT, IRIS_RIGHT
from research.assets.demo_head.face import Skin
from research.assets.demo_head.parts import (
    LEFT_EYE,
    MATERIALS,
    RIGHT_EYE,
    Piece,
    capped_tube,
    fan,
    rigid_piece,
    smoothstep,
    tube_faces,
)

# half axes, cm: longer than wide, so that the white falls away behind the lids, which dip inward as they move
EYEBALL_RADII = np.array([1.0, 1.0, 1.2])
_LID_GAP = 0.03  # share of the radius
# the lower lid's outer half dips inward when it rises; the eyeball gives way there by this much, cm
_GIVE = 0.21
_COLUMNS = 32
# share of the limbus radius: pupil's centre, pupil's edge twice (a crisp border), iris, dark limbus
_IRIS_RINGS = (0.06, 0.36, 0.39, 0.6, 0.82, 0.93, 1.0)
_WHITE_DEGREES = (38.5, 43.0, 50.0, 60.0, 73.0, 90.0, 115.0, 145.0, 170.0)

_PUPIL = np.array([0.01, 0.01, 0.012])
# light enough that eyes are read as eyes where a head is a hundred pixels high
_IRIS = np.array([[0.34, 0.36, 0.31], [0.41, 0.48, 0.47], [0.33, 0.41, 0.43], [0.12, 0.15, 0.17]])
_WHITE = np.array([0.97, 0.96, 0.94])
_CORNER_WHITE = np.array([0.90, 0.82, 0.79])
_LASH = np.array([0.13, 0.085, 0.065])
_LID_INSIDE = np.array([0.55, 0.30, 0.26])


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """The eyeball and, within it, which vertices are the five iris landmarks; the lids' inner side."""

    ball: Piece
    iris_vertices: NDArray[np.int64]
    lids: Piece


def build_eyes(basis: FaceBasis, skin: Skin) -> tuple[Eye, Eye]:
    """Left and right eye."""
    left = _build_eye(basis.neutral[IRIS_LEFT], skin, skin.left_eye_rim, LEFT_EYE)
    right = _build_eye(basis.neutral[IRIS_RIGHT], skin, skin.right_eye_rim, RIGHT_EYE)
    return left, right


def eyeball_centre(iris: NDArray[np.floating]) -> NDArray[np.float64]:
    """Centre of the eyeball whose edge of the iris is the tracked ring (5, 3), looking along z."""
    ring = iris[1:]
    radius = np.linalg.norm(ring[:, :2] - iris[0, :2], axis=1).mean()
    depth = EYEBALL_RADII[2] * np.sqrt(1.0 - (radius / EYEBALL_RADII[0]) ** 2)
    return np.array([iris[0, 0], iris[0, 1], ring[:, 2].mean() - depth], dtype=np.float64)


def _build_eye(iris: NDArray[np.float32], skin: Skin, rim: NDArray[np.int64], bone: int) -> Eye:
    points = iris.astype(np.float64)
    ball, iris_vertices = _eyeball(points, bone)
    return Eye(ball, iris_vertices, _lids(skin, rim, eyeball_centre(points)))


def _eyeball(iris: NDArray[np.float64], bone: int) -> tuple[Piece, NDArray[np.int64]]:
    """An ellipsoid with a flat iris through the five landmarks."""
    centre = eyeball_centre(iris)
    angle = np.arange(_COLUMNS) * 2 * np.pi / _COLUMNS
    edge = _iris_edge(iris, angle)
    flat = [iris[0] + share * (edge - iris[0]) for share in _IRIS_RINGS]
    polar = np.deg2rad(np.array(_WHITE_DEGREES))[:, None]
    white = np.stack(
        [
            EYEBALL_RADII[0] * np.sin(polar) * np.cos(angle),
            EYEBALL_RADII[1] * np.sin(polar) * np.sin(angle),
            EYEBALL_RADII[2] * np.cos(polar) * np.ones_like(angle),
        ],
        axis=-1,
    )
    # from back to front, so that the capped tube's faces look outward
    rings = np.concatenate([(centre + white)[::-1], np.stack(flat)[::-1]])
    vertices, faces = capped_tube(rings)
    vertices[-1] = iris[0]
    vertices[:, 2] -= _GIVE * _lower_outer(vertices, iris, centre)
    piece = rigid_piece(vertices, faces, "eye_white", _ball_colours(len(vertices), rings), bone)
    ring_of_face = faces[:, 0] // _COLUMNS
    iris_start = len(rings) - len(_IRIS_RINGS)
    piece.materials[ring_of_face >= iris_start] = MATERIALS.index("iris")
    piece.materials[ring_of_face >= len(rings) - 2] = MATERIALS.index("pupil")
    piece.materials[-2 * _COLUMNS : -_COLUMNS] = MATERIALS.index("eye_white")
    first = iris_start * _COLUMNS
    nearest = [int(np.linalg.norm(vertices - point, axis=1).argmin()) for point in iris[1:]]
    assert all(first <= vertex < first + _COLUMNS for vertex in nearest)
    return piece, np.array([len(vertices) - 1, *nearest])


def _lower_outer(
    vertices: NDArray[np.float64], iris: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) 1 in the lower outer quarter of the eyeball's front, 0 at the tracked points themselves."""
    outer_sign = np.sign(iris[0, 0])
    offset = (vertices[:, :2] - iris[0, :2]) * np.array([outer_sign, 1.0])
    marks = (iris[1:, :2] - iris[0, :2]) * np.array([outer_sign, 1.0])
    outer, lowest = marks[marks[:, 0].argmax()], marks[marks[:, 1].argmin()]
    first, last = np.arctan2(outer[1], outer[0]), np.arctan2(lowest[1], lowest[0])
    part = np.clip((np.arctan2(offset[:, 1], offset[:, 0]) - first) / (last - first), 0.0, 1.0)
    distance = np.linalg.norm(offset, axis=1)
    front = smoothstep(vertices[:, 2], float(centre[2]) - 0.3, float(centre[2]) + 0.3)
    return np.sin(np.pi * part) ** 0.6 * smoothstep(distance, 0.2, 0.6) * front


def _iris_edge(iris: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, 3) closed curve through the four tracked edge points, at angles counter-clockwise from +x."""
    offset = iris[1:] - iris[0]
    known = np.arctan2(offset[:, 1], offset[:, 0]) % (2 * np.pi)
    # columns are moved a little so that each tracked point has one of its own
    slot = np.round(known / (2 * np.pi) * _COLUMNS).astype(int) % _COLUMNS
    order = np.argsort(slot)
    slots, points = slot[order], offset[order]
    edge = np.empty((_COLUMNS, 3))
    for low, high, start, end in zip(
        slots, np.append(slots[1:], slots[0] + _COLUMNS), points, np.roll(points, -1, axis=0), strict=True
    ):
        part = np.arange(high - low + 1)[:, None] / (high - low) * np.pi / 2
        # a quarter of an ellipse spanned by the two tracked radii
        edge[(low + np.arange(high - low + 1)) % _COLUMNS] = np.cos(part) * start + np.sin(part) * end
    return iris[0] + edge


def _ball_colours(count: int, rings: NDArray[np.float64]) -> NDArray[np.float64]:
    colours = np.tile(_WHITE, (count, 1))
    white_rings = len(_WHITE_DEGREES)
    colours[: (white_rings - 2) * _COLUMNS] = _CORNER_WHITE
    per_ring = [_IRIS[3], _IRIS[2], _IRIS[2], _IRIS[1], _IRIS[0], _PUPIL, _PUPIL]
    for index, colour in enumerate(per_ring):
        start = (white_rings + index) * _COLUMNS
        colours[start : start + _COLUMNS] = colour
    colours[-1] = _PUPIL
    return colours


def _lids(skin: Skin, rim: NDArray[np.int64], centre: NDArray[np.float64]) -> Piece:
    """From the lid's edge to the eyeball, along it, and closed behind it.

    The first ring repeats the skin's own border vertices; the caller welds them.
    """
    edge = skin.piece.vertices[rim]
    # in units of the half axes the eyeball is the unit sphere
    arm = (edge - centre) / EYEBALL_RADII
    length = np.linalg.norm(arm, axis=1, keepdims=True)
    unit = arm / length
    on_ball = centre + unit * np.minimum(1.0 + _LID_GAP, length) * EYEBALL_RADII
    polar = np.arccos(np.clip(unit[:, 2:], -1, 1))
    around = unit[:, :2] / np.maximum(np.linalg.norm(unit[:, :2], axis=1, keepdims=True), 1e-9)
    rings = [edge, 0.45 * edge + 0.55 * on_ball, on_ball]
    for part, gap in ((0.3, 0.06), (0.7, 0.12), (1.0, 0.2)):
        turned = polar + part * (np.deg2rad(110.0) - polar)
        direction = np.concatenate([np.sin(turned) * around, np.cos(turned)], axis=1)
        rings.append(centre + direction * EYEBALL_RADII * (1.0 + gap))
    follow = np.array([1.0, 1.0, 0.95, 0.5, 0.15, 0.0])
    apex = centre - np.array([0.0, 0.0, EYEBALL_RADII[2] + 0.3])
    return _inner_piece(skin, rim, np.stack(rings), follow, apex)


def _inner_piece(
    skin: Skin,
    rim: NDArray[np.int64],
    rings: NDArray[np.float64],
    follow: NDArray[np.float64],
    apex: NDArray[np.float64],
) -> Piece:
    """Rings (R, C, 3) that hang from a border of the skin and share ``follow`` (R,) of its movement."""
    count, columns = rings.shape[:2]
    vertices = np.concatenate([rings.reshape(-1, 3), apex[None]])
    end = np.arange((count - 1) * columns, count * columns)
    faces = np.concatenate([tube_faces(count, columns), fan(end, count * columns)])
    colours = np.tile(_LID_INSIDE, (len(vertices), 1))
    colours[:columns] = colours[columns : 2 * columns] = _LASH
    share = np.append(np.repeat(follow, columns), 0.0)
    source = np.append(np.tile(rim, count), rim[0])
    return Piece(
        vertices=vertices,
        faces=faces,
        materials=np.full(len(faces), MATERIALS.index("skin")),
        colours=colours,
        weights=skin.piece.weights[source],
        deltas=skin.piece.deltas[:, source] * share[None, :, None],
    )
