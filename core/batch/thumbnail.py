# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion as a small drawing: lips, eyes and outline where the mouth is widest, half open and shut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis, open_basis
from ..face.landmarks import EYE_LEFT, EYE_RIGHT, FACE_OVAL, INNER_LIPS, OPENING_PAIRS, OUTER_LIPS
from ..face.motion import Motion
from ..face.rotations import FloatArray

_SIZE = 96
# centimetres that the drawing shows, from the nose outwards
_REACH_CM = 10.0
_RINGS = ((FACE_OVAL, "none"), (EYE_LEFT, "none"), (EYE_RIGHT, "none"), (OUTER_LIPS, "#c66"), (INNER_LIPS, "#422"))
# frames that are looked at to choose from
_LOOKED_AT = 60


def motion_thumbnail(motion: Motion) -> bytes:
    """An SVG of three faces side by side."""
    basis = open_basis()
    looked = np.unique(np.linspace(0, len(motion) - 1, min(len(motion), _LOOKED_AT)).round().astype(int))
    points = basis.landmarks(_frames(motion, looked))
    upper, lower = OPENING_PAIRS.T
    gaps = np.linalg.norm(points[:, upper] - points[:, lower], axis=2).mean(axis=1)
    order = np.argsort(gaps)
    chosen = (order[-1], order[len(order) // 2], order[0])
    faces = "".join(_face(points[place], basis, column) for column, place in enumerate(chosen))
    size = f'width="{3 * _SIZE}" height="{_SIZE}" viewBox="0 0 {3 * _SIZE} {_SIZE}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} stroke="#555">{faces}</svg>'.encode()


def _frames(motion: Motion, places: NDArray[np.int_]) -> Motion:
    return motion.replace(
        expression=motion.expression[places],
        jaw=motion.jaw[places],
        head=motion.head[places],
        gaze=motion.gaze[places],
    )


def _face(points: FloatArray, basis: FaceBasis, column: int) -> str:
    centre = basis.neutral[FACE_OVAL].mean(axis=0)
    flat = (points[:, :2] - centre[:2]) * (1.0, -1.0) * (_SIZE / 2 / _REACH_CM) + (_SIZE * (column + 0.5), _SIZE / 2)
    return "".join(
        f'<polygon fill="{fill}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in flat[ring])}"/>'
        for ring, fill in _RINGS
    )
