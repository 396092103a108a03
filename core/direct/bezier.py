# SPDX-License-Identifier: GPL-3.0-or-later
"""F-curves between their keys as Blender draws them, with automatic clamped handles and no curve smoothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray

# of the automatic handle's length against the way to the neighbour: Blender's circle constant
_CIRCLE = 2.5614
# a handle is at most this many times as long as the one on the other side
_MOST_RATIO = 5.0
_NEWTON_STEPS = 8


def evaluate_keys(frames: FloatArray, values: FloatArray, at: FloatArray, bezier: bool = True) -> NDArray[np.float64]:
    """(m,) the curve through the keys ``frames``, ``values`` (n,) at these frames, held beyond its ends."""
    x, y, at = (np.asarray(part, np.float64) for part in (frames, values, at))
    if not bezier or len(x) < 2:
        return np.interp(at, x, y)
    left, right = clamped_handles(x, y)
    place = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    inside = np.clip(at, x[0], x[-1])
    share = _solve(x[place], right[place, 0], left[place + 1, 0], x[place + 1], inside)
    return _cubic(y[place], right[place, 1], left[place + 1, 1], y[place + 1], share)


def clamped_handles(x: FloatArray, y: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left and right handles (n, 2) of keys whose handles are automatic and clamped: level at extremes and ends."""
    points = np.stack([x, y], axis=1)
    left, right = points.copy(), points.copy()
    steps = np.diff(points, axis=0)
    ahead = np.concatenate([steps[:1], steps])
    behind = np.concatenate([steps, steps[-1:]])
    before, after = ahead[:, 0], behind[:, 0]
    tangent = ahead / before[:, None] + behind / after[:, None]
    length = tangent[:, 0] * _CIRCLE
    reach = np.minimum(before, _MOST_RATIO * after), np.minimum(after, _MOST_RATIO * before)
    left -= tangent * (reach[0] / length)[:, None]
    right += tangent * (reach[1] / length)[:, None]
    level = ahead[:, 1] * behind[:, 1] <= 0
    level[[0, -1]] = True
    left[level, 1] = right[level, 1] = y[level]
    _hold_within(left, right, points, ahead[:, 1], behind[:, 1], ~level)
    return left, right


def _hold_within(
    left: FloatArray, right: FloatArray, points: FloatArray, ahead: FloatArray, behind: FloatArray, free: FloatArray
) -> None:
    """No handle goes past the neighbour's value; the other one then keeps the direction."""
    y = points[:, 1]
    short_left = free & (np.abs(y - left[:, 1]) > np.abs(ahead))
    short_right = free & (np.abs(right[:, 1] - y) > np.abs(behind))
    left[short_left, 1] = (y - ahead)[short_left]
    right[short_right, 1] = (y + behind)[short_right]
    slope = np.zeros(len(y))
    by_left, by_right = short_left, short_right & ~short_left
    slope[by_left] = ((y - left[:, 1]) / (points[:, 0] - left[:, 0]))[by_left]
    slope[by_right] = ((right[:, 1] - y) / (right[:, 0] - points[:, 0]))[by_right]
    right[by_left, 1] = (y + slope * (right[:, 0] - points[:, 0]))[by_left]
    left[by_right, 1] = (y - slope * (points[:, 0] - left[:, 0]))[by_right]


def _solve(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, wanted: FloatArray) -> NDArray[np.float64]:
    """Where the cubics, which rise, take the wanted values."""
    whole = d - a
    first, second = 3 * (b - a) / whole, 3 * (c - b) / whole
    # the cubic by powers of t, over its whole way
    linear, square, cube = first, second - first, 1.0 - second
    share = (wanted - a) / whole
    t = share.copy()
    for _ in range(_NEWTON_STEPS):
        slope = linear + t * (2 * square + 3 * t * cube)
        miss = t * (linear + t * (square + t * cube)) - share
        t = np.clip(t - miss / np.maximum(slope, 1e-3), 0.0, 1.0)
    return t


def _cubic(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, t: FloatArray) -> NDArray[np.float64]:
    s = 1.0 - t
    value: NDArray[np.float64] = s**3 * a + 3 * s**2 * t * b + 3 * s * t**2 * c + t**3 * d
    return value
