# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the skin lies that the tracker never sees: cranium, underside of the jaw, neck and shoulders.

The head is a bent tube. Its rings begin at the face's oval (an upright plane), swing about an axis in front of
the throat until they are level at the neck, and then open over the shoulders. Each ring's points are found by
casting rays onto a smooth union of ellipsoids, whose sizes are those of an average adult head; ``torso`` has the
shoulders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from research.assets.demo_head.torso import torso_rings

# the axis that the ring planes swing about runs along x through this (y, z), cm
_PIVOT = np.array([-17.5, 2.0])
_SWING_RINGS = 30
_NECK_RINGS = 2
_SHOULDER_RINGS = 18
RING_COUNT = _SWING_RINGS + _NECK_RINGS + _SHOULDER_RINGS
NECK_CENTRE = np.array([0.0, -17.5, -9.4])


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    blend: float  # cm over which it melts into what comes before it


_BODY = (
    _Ellipsoid((0.0, 2.9, -7.6), (7.65, 8.6, 9.7), 0.0),  # cranium
    _Ellipsoid((0.0, -4.2, -7.0), (6.95, 7.8, 6.3), 1.5),  # jaw and cheeks
    _Ellipsoid((0.0, -13.0, -8.7), (5.5, 16.0, 5.6), 2.5),  # neck
)


def signed_distance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the distance in cm of (..., 3) points to the body, negative inside."""
    result: NDArray[np.float64] | None = None
    for part in _BODY:
        radii = np.array(part.radii)
        scaled = (points - np.array(part.centre)) / radii
        length = np.linalg.norm(scaled, axis=-1)
        # dividing by the gradient's length makes the implicit value a distance near the surface
        gradient = np.linalg.norm(scaled / radii, axis=-1)
        distance = length * (length - 1.0) / np.maximum(gradient, 1e-6)
        result = distance if result is None else _smooth_minimum(result, distance, part.blend)
    assert result is not None
    return result


def outer_rings(oval: NDArray[np.float64]) -> NDArray[np.float64]:
    """(RING_COUNT, C, 3) rings that continue the face's oval (C, 3) over the head down to the shoulders."""
    middle = 0.5 * (oval[:, 1].min() + oval[:, 1].max())
    face_angle = np.unwrap(np.arctan2(oval[:, 0], oval[:, 1] - middle))
    neck_angle = _even_angles(face_angle)
    # the oval is no plane section: its sides lie further back, so each column has its own first plane
    first_turn = np.arctan2(_PIVOT[1] - oval[:, 2], oval[:, 1] - _PIVOT[0])
    parts = np.arange(1, _SWING_RINGS + 1) / _SWING_RINGS
    rings = [
        _swing_ring(first_turn + part * (np.pi / 2 - first_turn), (1 - part) * face_angle + part * neck_angle)
        for part in parts
    ]
    rings += [_level_ring(-0.6 * step, neck_angle) for step in range(1, _NECK_RINGS + 1)]
    return np.concatenate([np.stack(rings), torso_rings(rings[-1], neck_angle, _SHOULDER_RINGS)])


def _swing_ring(turn: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """One point per column, in the plane through the pivot axis that leans back by the column's ``turn``."""
    up = np.stack([np.zeros_like(turn), np.cos(turn), -np.sin(turn)], axis=1)
    part = (turn / (np.pi / 2))[:, None]
    # distance of the section's centre from the pivot: mid face at first, mid neck at last
    reach = (1 - part) * 15.0 + part * (_PIVOT[1] - NECK_CENTRE[2])
    centre = np.array([0.0, *_PIVOT]) + reach * up
    direction = np.sin(angle)[:, None] * np.array([1.0, 0.0, 0.0]) + np.cos(angle)[:, None] * up
    return _cast(centre, direction)


def _level_ring(drop: float, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """A ring around the neck, ``drop`` cm above its centre."""
    direction = np.sin(angle)[:, None] * np.array([1.0, 0.0, 0.0]) + np.cos(angle)[:, None] * np.array(
        [0.0, 0.0, -1.0]
    )
    return _cast(NECK_CENTRE + np.array([0.0, drop, 0.0]), direction)


def _cast(centre: NDArray[np.float64], direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, 3) outermost points of the body along rays from centres (C, 3) or one centre (3,)."""
    reach = np.linspace(0.0, 45.0, 900)
    values = signed_distance(centre[..., None, :] + reach[:, None] * direction[:, None])
    inside = values < 0
    last = values.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    last = np.minimum(last, values.shape[1] - 2)
    rows = np.arange(len(direction))
    before, after = values[rows, last], values[rows, last + 1]
    exact = reach[last] + (reach[1] - reach[0]) * before / np.minimum(before - after, -1e-9)
    return centre + exact[:, None] * direction


def _even_angles(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles in the same order as ``angle`` but half way to evenly spread, so that no column is starved."""
    turn = np.sign(angle[-1] - angle[0]) * 2 * np.pi
    even = angle[0] + turn * np.arange(len(angle)) / len(angle)
    return 0.5 * angle + 0.5 * even


def _smooth_minimum(a: NDArray[np.float64], b: NDArray[np.float64], blend: float) -> NDArray[np.float64]:
    mix = np.clip(0.5 + 0.5 * (b - a) / blend, 0.0, 1.0)
    return b * (1 - mix) + a * mix - blend * mix * (1 - mix)
