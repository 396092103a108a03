# SPDX-License-Identifier: GPL-3.0-or-later
"""The outer skin of the demo head: the tracked face, refined, and the rest of the head faired onto it.

Every skin landmark is a vertex of the result (vertex i is landmark i for i < 468), and positions, expression
directions and jaw weights all come from the landmarks by one linear rule each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import EYE_LEFT, EYE_RIGHT, INNER_LIPS, LIPS, SKIN_COUNT
from research.assets.demo_head.fair import Fairing, arc_weights, boundary_loops, subdivide
from research.assets.demo_head.parts import (
    BONES,
    JAW,
    MATERIALS,
    NECK,
    ROOT,
    Piece,
    as_faces,
    fan,
    smoothstep,
    tube_faces,
)
from research.assets.demo_head.skull import RING_COUNT, outer_rings

LEVELS = 2
STEPS = 2**LEVELS
# rings next to the oval that only smoothness decides
_BLEND_RINGS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """The outer skin as a Piece, and where its parts are.

    rims: for each opening the fine border vertices, in the order of the landmark ring it was made from
    (``STEPS`` times as many), starting at that ring's first landmark.
    outer: (RING_COUNT + 1, C) vertex indices of the rings, the first being the face's oval.
    """

    piece: Piece
    left_eye_rim: NDArray[np.int64]
    right_eye_rim: NDArray[np.int64]
    lip_rim: NDArray[np.int64]
    outer: NDArray[np.int64]
    face_triangles: NDArray[np.int64]


def build_skin(basis: FaceBasis) -> Skin:
    """Refine the face, wrap the head around it, and carry the basis' motion over to both."""
    refined = subdivide(basis.triangles.astype(np.int64), SKIN_COUNT, LEVELS)
    neutral = basis.neutral[:SKIN_COUNT].astype(np.float64)
    rough_face = refined.blend @ neutral
    loops = boundary_loops(refined.triangles)
    rims = [_rim(loops, ring) for ring in (EYE_LEFT, EYE_RIGHT, INNER_LIPS)]
    oval = max(loops, key=lambda loop: np.ptp(rough_face[loop, 1]))
    oval = np.roll(oval, -int(np.where(oval == 10)[0][0]))

    rings = outer_rings(rough_face[oval])
    rough = np.concatenate([rough_face, _ease_in(rough_face[oval], rings).reshape(-1, 3)])
    outer = np.concatenate([oval[None], len(rough_face) + np.arange(rings[..., 0].size).reshape(RING_COUNT, -1)])
    ring_faces = _ring_faces(outer)
    triangles = np.concatenate([refined.triangles, _split(ring_faces)])

    carrier = _Carrier(rough, triangles, rims, outer, neutral)
    vertices = carrier.positions(neutral, rough)
    deltas = carrier.motion(basis.directions[:, :SKIN_COUNT])
    jaw = np.clip(carrier.motion(basis.jaw_weights[None, :SKIN_COUNT, None])[0, :, 0], 0.0, 1.0)
    base = len(vertices)
    vertices = np.concatenate([vertices, vertices[outer[-1]].mean(axis=0, keepdims=True)])
    faces = np.concatenate([as_faces(refined.triangles), ring_faces, fan(outer[-1][::-1], base)])
    piece = Piece(
        vertices=vertices,
        faces=faces,
        materials=_materials(basis, refined.parents, len(faces)),
        colours=np.ones_like(vertices),
        weights=_bone_weights(vertices, np.append(jaw, 0.0)),
        deltas=np.concatenate([deltas, np.zeros((len(deltas), 1, 3))], axis=1),
    )
    return Skin(piece, rims[0], rims[1], rims[2], outer, refined.triangles)


class _Carrier:
    """Spreads landmark values over the whole skin."""

    def __init__(
        self,
        rough: NDArray[np.float64],
        triangles: NDArray[np.int64],
        rims: list[NDArray[np.int64]],
        outer: NDArray[np.int64],
        neutral: NDArray[np.float64],
    ) -> None:
        self._rims = rims
        self._rim_weights = [_rim_weights(rim, neutral) for rim in rims]
        rim_points = np.concatenate(rims)
        self._fixed = np.unique(np.concatenate([np.arange(SKIN_COUNT), rim_points, outer[-1]]))
        self._free_rim = np.concatenate([rim_points, outer[-1]])
        self._rough, self._triangles, self._outer = rough, triangles, outer

    def positions(self, neutral: NDArray[np.float64], wishes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) smooth skin through the landmarks, near the wished-for rings away from the face."""
        pull = np.zeros(len(wishes))
        ramp = smoothstep(np.arange(RING_COUNT + 1, dtype=float), _BLEND_RINGS, _BLEND_RINGS + 6)
        pull[self._outer] = 0.05 * ramp[:, None]
        fairing = Fairing(self._rough, self._triangles, self._fixed, self._free_rim, pull)
        return fairing.solve(self._fixed_values(neutral, wishes), wishes)

    def motion(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """(B, N, K) from landmark values (B, 468, K); fades out over the skull, the neck and behind the jaw."""
        batch, _, size = values.shape
        landmark = values.transpose(1, 0, 2).reshape(SKIN_COUNT, batch * size).astype(np.float64)
        still = np.zeros((len(self._rough), batch * size))
        pull = np.zeros(len(self._rough))
        # cm walked from the oval along each column
        steps = np.linalg.norm(np.diff(self._rough[self._outer], axis=0), axis=-1)
        walked = np.concatenate([np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)])
        pull[self._outer] = 0.5 * smoothstep(walked, 2.0, 6.5)
        fairing = Fairing(self._rough, self._triangles, self._fixed, self._free_rim, pull)
        solved = fairing.solve(self._fixed_values(landmark, still), still)
        # far away the pull leaves dust; cut it so that the rest of the head stores no keys
        fade = np.ones(len(self._rough))
        fade[self._outer] = smoothstep(walked, 8.5, 6.0)
        return (solved * fade[:, None]).reshape(-1, batch, size).transpose(1, 0, 2)

    def _fixed_values(self, landmark: NDArray[np.float64], wishes: NDArray[np.float64]) -> NDArray[np.float64]:
        values = wishes.copy()
        values[:SKIN_COUNT] = landmark
        for rim, (ring, weights) in zip(self._rims, self._rim_weights, strict=True):
            values[rim] = weights @ landmark[ring]
        values[:SKIN_COUNT] = landmark
        return values[self._fixed]


def _rim(loops: list[NDArray[np.int64]], ring: NDArray[np.int64]) -> NDArray[np.int64]:
    """The loop that carries the landmark ring, turned and ordered like it."""
    loop = next(loop for loop in loops if ring[0] in loop and ring[1] in loop)
    loop = np.roll(loop, -int(np.where(loop == ring[0])[0][0]))
    if int(np.where(loop == ring[1])[0][0]) != STEPS:
        loop = np.roll(loop[::-1], 1)
    return loop


def _rim_weights(
    rim: NDArray[np.int64], neutral: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Landmarks of an opening and the matrix to its fine border: one spline above, one below, sharp corners."""
    ring = rim[::STEPS]
    half = len(ring) // 2
    weights = np.zeros((len(rim), len(ring)))
    for start in (0, half):
        members = (start + np.arange(half + 1)) % len(ring)
        rows = (start * STEPS + np.arange(half * STEPS + 1)) % len(rim)
        weights[np.ix_(rows, members)] = arc_weights(neutral[ring[members]], STEPS)
    return ring, weights


def _ease_in(oval: NDArray[np.float64], rings: NDArray[np.float64]) -> NDArray[np.float64]:
    """First guess: the rings next to the face lie between the oval and the first wished-for ring."""
    result = rings.copy()
    for index in range(_BLEND_RINGS):
        part = (index + 1) / (_BLEND_RINGS + 1)
        result[index] = (1 - part) * oval + part * rings[_BLEND_RINGS]
    return result


def _ring_faces(outer: NDArray[np.int64]) -> NDArray[np.int64]:
    order = tube_faces(*outer.shape)
    # the border loop has the face on its left, so the rings beyond it run the other way round
    return outer.reshape(-1)[order][:, ::-1]


def _split(quads: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _materials(basis: FaceBasis, parents: NDArray[np.int64], face_count: int) -> NDArray[np.int64]:
    lips = np.isin(basis.triangles, LIPS).all(axis=1)
    materials = np.full(face_count, MATERIALS.index("skin"))
    materials[: len(parents)][lips[parents]] = MATERIALS.index("lips")
    return materials


def _bone_weights(vertices: NDArray[np.float64], jaw: NDArray[np.float64]) -> NDArray[np.float64]:
    """The head follows the neck bone, the shoulders stay, and the neck between them bends gradually."""
    # lower at the front than at the nape, as the throat's skin is longer
    level = vertices[:, 1] + 0.25 * (vertices[:, 2] + 9.0)
    head = np.maximum(smoothstep(level, -19.0, -10.5), jaw)
    weights = np.zeros((len(vertices), len(BONES)))
    weights[:, JAW] = jaw
    weights[:, NECK] = head - jaw
    weights[:, ROOT] = 1.0 - head
    return weights
