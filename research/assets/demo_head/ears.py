# SPDX-License-Identifier: GPL-3.0-or-later
"""Ears: a shell in polar coordinates with the rim, the inner ridge, the bowl, the tragus and the lobe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from research.assets.demo_head.parts import NECK, Piece, fan, merge, outward, rigid_piece, smoothstep, tube_faces

_COLUMNS = 56
_CENTRE = np.array([7.15, -2.1, -8.0])  # of the left ear, cm
_SIZE = np.array([1.9, 3.15])  # half width, half height
_SKIN = np.array([0.80, 0.56, 0.46])
_INNER = np.array([0.66, 0.40, 0.33])


def build_ears() -> Piece:
    """Both ears, sunk a little into the sides of the head."""
    vertices, faces, colours = _left_ear()
    mirrored = vertices * np.array([-1.0, 1.0, 1.0])
    return merge(
        [
            rigid_piece(vertices, outward(vertices, faces), "skin", colours, NECK),
            rigid_piece(mirrored, outward(mirrored, faces), "skin", colours, NECK),
        ]
    )


def _left_ear() -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    # angle 0 is up, a quarter turn is backward
    angle = np.arange(_COLUMNS) * 2 * np.pi / _COLUMNS
    front = np.concatenate([[0.08], np.linspace(0.2, 0.9, 12), [0.95, 0.985, 1.0]])
    back = np.array([0.985, 0.95, 0.85, 0.6, 0.3])
    rings = [_point(share, angle, _front_height(share, angle)) for share in front]
    rings += [_point(share, angle, _back_height(share, angle)) for share in back]
    stacked = np.stack(rings)
    count = len(stacked)
    vertices = np.concatenate([stacked.reshape(-1, 3), stacked[[0, -1]].mean(axis=1)])
    index = np.arange(count * _COLUMNS).reshape(count, _COLUMNS)
    faces = np.concatenate(
        [tube_faces(count, _COLUMNS), fan(index[0][::-1], count * _COLUMNS), fan(index[-1], count * _COLUMNS + 1)]
    )
    depth = np.concatenate([np.repeat(front, _COLUMNS), np.repeat(np.ones(len(back)), _COLUMNS), [0.0, 1.0]])
    blend = smoothstep(depth, 0.3, 0.62)[:, None]
    return vertices, faces, (1 - blend) * _INNER + blend * _SKIN


def _point(share: float, angle: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, 3) of one ring: ``share`` of the outline, lifted from the ear's plane by ``height``."""
    up, back = np.cos(angle), np.sin(angle)
    narrow = 1.0 - 0.42 * smoothstep(-up, 0.1, 1.0)  # the lobe is narrower than the top
    front = np.where(back < 0, 0.62, 1.0)
    local_back = share * _SIZE[0] * back * narrow * front - 0.25 * smoothstep(-up, 0.0, 1.0) * share
    local_up = share * _SIZE[1] * up
    # the plane leans back by 12 degrees and stands out from the head by 28
    lean, out = np.deg2rad(12.0), np.deg2rad(28.0)
    z = -(local_back * np.cos(lean) + local_up * np.sin(lean))
    y = local_up * np.cos(lean) - local_back * np.sin(lean)
    x = -z * np.sin(out) + height * np.cos(out)
    return _CENTRE + np.stack([x, y, z * np.cos(out) + height * np.sin(out)], axis=1)


def _front_height(share: float, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    up, back = np.cos(angle), np.sin(angle)
    rear = smoothstep(back + 0.9 * smoothstep(up, 0.2, 1.0), -0.35, 0.35)  # rim and ridge fade towards the face
    lobe = smoothstep(-up, 0.55, 0.9)
    rim = 0.34 * _bump(share, 0.93, 0.09) * rear * (1 - 0.75 * lobe)
    ridge = 0.36 * _bump(share, 0.60, 0.13) * rear * (1 - lobe)
    bowl = -0.42 * _bump(share, 0.22, 0.24) * np.ones_like(angle)
    tragus = 0.30 * _bump(share, 0.62, 0.22) * smoothstep(-back, 0.75, 1.0)
    level = 0.42 + 0.15 * lobe - 0.25 * smoothstep(np.full_like(angle, share), 0.93, 1.0)
    return level + rim + ridge + bowl + tragus


def _back_height(share: float, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full_like(angle, -0.02 if share > 0.9 else -0.45)


def _bump(value: float, centre: float, width: float) -> float:
    return float(np.exp(-(((value - centre) / width) ** 2)))
