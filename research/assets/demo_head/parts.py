# SPDX-License-Identifier: GPL-3.0-or-later
"""``Piece``: one part of the demo head as plain arrays, and the few operations that all parts share.

Centimetres in the basis frame: x right in the picture, y up, z towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.motion import EXPRESSION_SIZE

MATERIALS = (
    "skin", "lips", "eye_white", "iris", "pupil", "hair", "mouth_inside", "teeth", "tongue", "shirt",
)  # fmt: skip
BONES = ("root", "neck", "jaw", "left_eye", "right_eye")
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A mesh part.

    vertices: (N, 3) cm. faces: (F, 4) vertex indices, counter-clockwise from outside, -1 last for a triangle.
    materials: (F,) index into MATERIALS. colours: (N, 3) sRGB 0..1.
    weights: (N, 5) shares of BONES that add to one. deltas: (50, N, 3) cm per unit of each expression key.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    materials: NDArray[np.int64]
    colours: NDArray[np.float64]
    weights: NDArray[np.float64]
    deltas: NDArray[np.float64]


def rigid_piece(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    material: str,
    colours: NDArray[np.float64],
    bone: int,
) -> Piece:
    """A part that follows one bone and no expression."""
    weights = np.zeros((len(vertices), len(BONES)))
    weights[:, bone] = 1.0
    return Piece(
        vertices=vertices,
        faces=faces,
        materials=np.full(len(faces), MATERIALS.index(material)),
        colours=np.broadcast_to(colours, vertices.shape),
        weights=weights,
        deltas=np.zeros((EXPRESSION_SIZE, len(vertices), 3)),
    )


def merge(pieces: list[Piece]) -> Piece:
    """All parts in one mesh, in the given order (the first piece keeps its vertex numbers)."""
    offsets = np.cumsum([0] + [len(piece.vertices) for piece in pieces[:-1]])
    faces = [np.where(piece.faces < 0, -1, piece.faces + start) for piece, start in zip(pieces, offsets, strict=True)]
    return Piece(
        vertices=np.concatenate([piece.vertices for piece in pieces]),
        faces=np.concatenate(faces),
        materials=np.concatenate([piece.materials for piece in pieces]),
        colours=np.concatenate([piece.colours for piece in pieces]),
        weights=np.concatenate([piece.weights for piece in pieces]),
        deltas=np.concatenate([piece.deltas for piece in pieces], axis=1),
    )


def as_faces(triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F, 3) triangles in the (F, 4) layout."""
    return np.concatenate([triangles, np.full((len(triangles), 1), -1)], axis=1)


def as_triangles(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """(F, 4) faces, quads split along their first diagonal, as (G, 3)."""
    quads = faces[faces[:, 3] >= 0]
    triangles = faces[faces[:, 3] < 0][:, :3]
    return np.concatenate([triangles, quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def bridge(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Quads between two closed rings of equal length."""
    return np.stack([first, np.roll(first, -1), np.roll(second, -1), second], axis=1)


def fan(ring: NDArray[np.int64], apex: int) -> NDArray[np.int64]:
    """Triangles from a closed ring to one point, in the ring's own sense."""
    return as_faces(np.stack([ring, np.roll(ring, -1), np.full_like(ring, apex)], axis=1))


def tube_faces(rings: int, columns: int) -> NDArray[np.int64]:
    """Quads of a tube of ``rings`` closed rings numbered ring by ring."""
    index = np.arange(rings * columns).reshape(rings, columns)
    return np.concatenate([bridge(index[i], index[i + 1]) for i in range(rings - 1)])


def capped_tube(rings: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices and outward faces of (R, C, 3) rings, closed by a fan at both ends."""
    count, columns = rings.shape[:2]
    vertices = np.concatenate([rings.reshape(-1, 3), rings[[0, -1]].mean(axis=1)])
    index = np.arange(count * columns).reshape(count, columns)
    ends = [fan(index[0][::-1], count * columns), fan(index[-1], count * columns + 1)]
    return vertices, outward(vertices, np.concatenate([tube_faces(count, columns), *ends]))


def outward(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The faces of a closed part, all turned over if they enclose a negative volume."""
    a, b, c = vertices[as_triangles(faces)].transpose(1, 0, 2)
    return faces if np.einsum("ij,ij->", a, np.cross(b, c)) > 0 else flipped(faces)


def flipped(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same faces seen from the other side."""
    turned = faces[:, ::-1].copy()
    triangle = faces[:, 3] < 0
    turned[triangle, :3] = faces[triangle][:, [2, 1, 0]]
    turned[triangle, 3] = -1
    return turned


def weld(skin: Piece, part: Piece, border: NDArray[np.int64]) -> Piece:
    """Join a part to the skin: the part's first vertices are the skin's ``border``, in the same order."""
    extra = len(border)
    offset = len(skin.vertices) - extra
    corners = skin.faces[(skin.faces == border[0]).any(axis=1) & (skin.faces == border[1]).any(axis=1)][0]
    corners = corners[corners >= 0].tolist()
    skin_runs_along = corners[(corners.index(border[0]) + 1) % len(corners)] == border[1]
    own = part.faces[(part.faces == 0).any(axis=1) & (part.faces == 1).any(axis=1)][0].tolist()
    part_runs_along = own[(own.index(0) + 1) % 4] == 1
    faces = flipped(part.faces) if skin_runs_along == part_runs_along else part.faces
    numbers = np.concatenate([border, np.arange(extra, len(part.vertices)) + offset])
    return Piece(
        vertices=np.concatenate([skin.vertices, part.vertices[extra:]]),
        faces=np.concatenate([skin.faces, np.where(faces < 0, -1, numbers[faces])]),
        materials=np.concatenate([skin.materials, part.materials]),
        colours=np.concatenate([skin.colours, part.colours[extra:]]),
        weights=np.concatenate([skin.weights, part.weights[extra:]]),
        deltas=np.concatenate([skin.deltas, part.deltas[:, extra:]], axis=1),
    )


def vertex_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, 3) unit normals, area weighted."""
    triangles = as_triangles(faces)
    corners = vertices[triangles]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], face_normals)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def smoothstep(value: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """0 at ``low``, 1 at ``high`` (which may lie below ``low``), smooth at both ends."""
    unit = np.clip((value - low) / (high - low), 0.0, 1.0)
    return unit * unit * (3 - 2 * unit)


def polygon_depth(points: NDArray[np.float64], polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) signed distance of 2-D points to a closed polygon (M, 2), positive inside."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    edge = end - start
    to_point = points[:, None] - start
    along = np.clip((to_point * edge).sum(-1) / (edge * edge).sum(-1), 0.0, 1.0)
    distance = np.linalg.norm(to_point - along[..., None] * edge, axis=-1).min(axis=1)
    straddles = (start[:, 1] > points[:, 1:2]) != (end[:, 1] > points[:, 1:2])
    height = np.where(edge[:, 1] == 0, 1e-12, edge[:, 1])
    crossing = start[:, 0] + (points[:, 1:2] - start[:, 1]) / height * edge[:, 0]
    inside = (straddles & (points[:, :1] < crossing)).sum(axis=1) % 2 == 1
    return np.where(inside, distance, -distance)
