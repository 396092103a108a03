# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair, eyebrows and a shirt, as copies of patches of the skin.

They are lifted above it inside an outline and sunk below it outside. The visible edge is where the lifted copy passes
through the skin, so it is smooth at any mesh density.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import BROW_LEFT, BROW_RIGHT
from research.assets.demo_head.face import Skin
from research.assets.demo_head.fair import subdivide
from research.assets.demo_head.parts import (
    MATERIALS,
    Piece,
    as_faces,
    as_triangles,
    polygon_depth,
    smoothstep,
    vertex_normals,
)

_SUNK = -0.22  # cm below the skin where the copy ends
_HAIR = np.array([0.155, 0.100, 0.070])
_BROW = np.array([0.25, 0.17, 0.125])
_BROW_SKIN = np.array([0.66, 0.45, 0.37])
_SHIRT = np.array([0.16, 0.22, 0.33])
_SHIRT_HEM = np.array([0.11, 0.15, 0.24])
_HEM = 1.4  # cm of it below the neckline

# outline of the hair seen from the side, (z, y) in cm: forehead, temple, side burn, round the ear, nape, and beyond
_HAIRLINE = np.array(
    [
        [2.6, 6.4], [1.0, 5.9], [-1.0, 5.0], [-2.6, 4.0], [-3.9, 2.7], [-4.9, 0.9], [-5.35, -1.4], [-6.3, -1.9],
        [-6.9, 1.0], [-8.6, 2.0], [-10.2, 0.6], [-11.1, -3.0], [-12.0, -7.4], [-14.0, -8.6], [-22.0, -8.8],
        [-26.0, 20.0], [10.0, 20.0],
    ]
)  # fmt: skip


def build_hair(skin: Skin) -> Piece:
    """Short hair combed back."""
    ring_vertices = np.unique(skin.outer[:36])
    y, z = skin.piece.vertices[:, 1], skin.piece.vertices[:, 2]
    depth = polygon_depth(np.stack([z, y], axis=1), _HAIRLINE)
    column = _column_of_vertex(skin)
    # a slightly irregular hairline, and locks along the columns
    depth = depth + 0.10 * np.sin(0.37 * column) + 0.08 * np.sin(0.83 * column + 1.0)
    top = smoothstep(y, -4.0, 7.5)
    thick = 0.35 + 0.75 * top + (0.05 * np.sin(2.3 * column) + 0.04 * np.sin(5.1 * column + 2.0)) * top
    slope = np.clip(0.32 * depth, _SUNK, 0.35)
    lift = slope + np.maximum(thick - 0.35, 0.0) * smoothstep(depth, 0.4, 3.0)
    keep = np.isin(skin.piece.faces, ring_vertices) | (skin.piece.faces < 0)
    colours = _HAIR * (1.0 + 0.28 * np.sin(3.7 * column)[:, None] + 0.16 * np.sin(9.1 * column + 0.5)[:, None])
    return _shell(skin.piece, keep.all(axis=1) & _any_above(skin.piece, lift), lift, "hair", colours)


def build_brows(basis: FaceBasis, skin: Skin) -> list[Piece]:
    """Raised, dark brows over the tracked brow landmarks; they move with the skin below them."""
    pieces = []
    fine = _refined_face(skin)
    for ring in (BROW_RIGHT, BROW_LEFT):
        outline = _brow_outline(basis.neutral[ring, :2].astype(np.float64))
        depth = polygon_depth(fine.vertices[:, :2], outline)
        lift = np.clip(0.4 * depth, -0.10, 0.06)
        # hairs stand thinner at the edge: the skin shines through
        dense = (0.88 * smoothstep(depth, -0.03, 0.22))[:, None]
        front = fine.vertices[:, 2] > -2.0
        chosen = _any_above(fine, np.where(front, lift, -0.10), -0.10)
        pieces.append(_shell(fine, chosen, lift, "hair", dense * _BROW + (1 - dense) * _BROW_SKIN))
    return pieces


def build_shirt(skin: Skin) -> Piece:
    """A round-necked shirt over the shoulders."""
    y, z = skin.piece.vertices[:, 1], skin.piece.vertices[:, 2]
    # the neckline is lower at the front than at the nape
    line = -16.2 - 0.22 * (z + 9.0)
    depth = line - y
    # a gentle slope: the loft's rings are far apart here, and a steep one would cut a ragged neckline
    lift = np.clip(0.16 * depth, _SUNK, 0.3)
    hem = smoothstep(depth, _HEM, _HEM - 0.3)[:, None]
    colours = hem * _SHIRT_HEM + (1 - hem) * _SHIRT
    return _shell(skin.piece, _any_above(skin.piece, lift), lift, "shirt", colours)


def _brow_outline(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """The tracked ring without its lowest edge: brows are thinner than the band that the tracker marks."""
    top, bottom = ring[:5], ring[5:][::-1]
    # both rows run from the temple to the nose; the band is widest in the tracker's eyes
    low = top + 0.95 * (bottom - top)
    high = top + 0.02 * (bottom - top)
    return np.concatenate([high, low[::-1]])


def _column_of_vertex(skin: Skin) -> NDArray[np.float64]:
    """Which column (of the loft round the head) a vertex lies in; constant off the loft."""
    column = np.zeros(len(skin.piece.vertices))
    column[skin.outer] = np.arange(skin.outer.shape[1])
    return column


def _refined_face(skin: Skin) -> Piece:
    """The face's own triangles, once more split, as a piece."""
    count = int(skin.face_triangles.max()) + 1
    vertices = skin.piece.vertices[:count]
    near = np.isin(skin.face_triangles, np.where((vertices[:, 1] > 0.6) & (vertices[:, 1] < 3.4))[0]).all(axis=1)
    refined = subdivide(skin.face_triangles[near], count, 1)
    blend = refined.blend
    deltas = np.stack([blend @ delta[:count] for delta in skin.piece.deltas])
    return Piece(
        vertices=blend @ vertices,
        faces=as_faces(refined.triangles),
        materials=np.zeros(len(refined.triangles), np.int64),
        colours=np.ones((blend.shape[0], 3)),
        weights=blend @ skin.piece.weights[:count],
        deltas=deltas,
    )


def _any_above(piece: Piece, lift: NDArray[np.float64], end: float = _SUNK) -> NDArray[np.bool_]:
    """(F,) faces with a corner above the depth at which the copy ends."""
    return ((lift[piece.faces] > end + 1e-9) & (piece.faces >= 0)).any(axis=1)


def _shell(
    piece: Piece, chosen: NDArray[np.bool_], lift: NDArray[np.float64], material: str, colours: NDArray[np.float64]
) -> Piece:
    faces = piece.faces[chosen]
    used = np.unique(faces[faces >= 0])
    numbers = np.full(len(piece.vertices) + 1, -1)
    numbers[used] = np.arange(len(used))
    normals = vertex_normals(piece.vertices, as_faces(as_triangles(piece.faces)))
    return Piece(
        vertices=(piece.vertices + lift[:, None] * normals)[used],
        faces=numbers[faces],
        materials=np.full(len(faces), MATERIALS.index(material)),
        colours=np.clip(colours[used], 0.0, 1.0),
        weights=piece.weights[used],
        deltas=piece.deltas[:, used],
    )
