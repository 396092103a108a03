# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertex colours of the skin: lips, blood in cheeks, nose and ears, darker eye sockets, a shaven chin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import EYE_LEFT, EYE_RIGHT, OUTER_LIPS
from research.assets.demo_head.parts import polygon_depth, smoothstep

_SKIN = np.array([0.80, 0.58, 0.48])
_CHEEK = np.array([0.80, 0.48, 0.41])
_SOCKET = np.array([0.72, 0.49, 0.41])
_LIPS = np.array([0.66, 0.34, 0.32])
_BEARD = np.array([0.70, 0.52, 0.45])


def skin_colours(basis: FaceBasis, vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) sRGB colours of the outer skin."""
    neutral = basis.neutral.astype(np.float64)
    colours = np.tile(_SKIN, (len(vertices), 1))
    colours = _mix(colours, _BEARD, 0.5 * _near(vertices, neutral[152] + [0, 1.0, 0], 5.5))
    for cheek in (50, 280):
        colours = _mix(colours, _CHEEK, 0.55 * _near(vertices, neutral[cheek], 3.2))
    colours = _mix(colours, _CHEEK, 0.5 * _near(vertices, neutral[1], 1.6))
    front = vertices[:, 2] > -3.0
    for ring in (EYE_LEFT, EYE_RIGHT):
        depth = polygon_depth(vertices[:, :2], neutral[ring, :2])
        colours = _mix(colours, _SOCKET, 0.55 * front * smoothstep(depth, -1.1, -0.1))
    lips = polygon_depth(vertices[:, :2], neutral[OUTER_LIPS, :2])
    return _mix(colours, _LIPS, front * smoothstep(lips, -0.10, 0.14))


def _near(vertices: NDArray[np.float64], centre: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    return smoothstep(np.linalg.norm(vertices - centre, axis=1), reach, 0.0)


def _mix(colours: NDArray[np.float64], other: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    return colours + share[:, None] * (other - colours)
