# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation vectors, matrices, quaternions and Euler angles on stacks of frames. Radians, numpy only.

Rotation vectors (axis times angle) are FLAME's convention and ours everywhere inside.
Quaternions are (w, x, y, z), as in Blender.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

_TINY = 1e-12


def matrix_from_rotvec(rotvec: FloatArray) -> FloatArray:
    """Rodrigues' formula: (..., 3) rotation vectors to (..., 3, 3) matrices."""
    rotvec = np.asarray(rotvec, dtype=np.float64)
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    cross = _skew(rotvec)
    small = angle < 1e-8
    safe = np.where(small, 1.0, angle)
    sin_term = np.where(small, 1.0, np.sin(safe) / safe)
    cos_term = np.where(small, 0.5, (1.0 - np.cos(safe)) / safe**2)
    return np.eye(3) + sin_term * cross + cos_term * (cross @ cross)


def rotvec_from_matrix(matrix: FloatArray) -> FloatArray:
    """(..., 3, 3) rotation matrices to (..., 3) rotation vectors of angle at most pi."""
    return rotvec_from_quaternion(quaternion_from_matrix(matrix))


def quaternion_from_rotvec(rotvec: FloatArray) -> FloatArray:
    """(..., 3) to (..., 4) unit quaternions (w, x, y, z)."""
    rotvec = np.asarray(rotvec, dtype=np.float64)
    angle = np.linalg.norm(rotvec, axis=-1, keepdims=True)
    # sin(a/2)/a tends to 1/2 for small angles
    factor = np.where(angle < 1e-8, 0.5, np.sin(angle / 2) / np.maximum(angle, _TINY))
    return np.concatenate([np.cos(angle / 2), rotvec * factor], axis=-1)


def rotvec_from_quaternion(quaternion: FloatArray) -> FloatArray:
    """(..., 4) unit quaternions (w, x, y, z) to (..., 3)."""
    quaternion = np.asarray(quaternion, dtype=np.float64)
    quaternion = np.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    sin_half = np.linalg.norm(quaternion[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sin_half, quaternion[..., :1])
    factor = np.where(sin_half < 1e-8, 2.0, angle / np.maximum(sin_half, _TINY))
    return quaternion[..., 1:] * factor


def quaternion_from_matrix(matrix: FloatArray) -> FloatArray:
    """(..., 3, 3) to (..., 4), w at least 0, from the largest of its numbers (Shepperd 1978): good at any angle."""
    m = np.asarray(matrix, dtype=np.float64)
    flat = m.reshape(-1, 9)
    a, b, c, d, e, f, g, h, i = flat.T
    # each row is 4 q_k times the quaternion, for k of w, x, y, z
    rows = np.empty((4, len(flat), 4))
    for k, row in enumerate(
        (
            (1 + a + e + i, h - f, c - g, d - b),
            (h - f, 1 + a - e - i, b + d, c + g),
            (c - g, b + d, 1 - a + e - i, f + h),
            (d - b, c + g, f + h, 1 - a - e + i),
        )
    ):
        for column, values in enumerate(row):
            rows[k, :, column] = values
    largest = rows[np.arange(4), :, np.arange(4)].argmax(axis=0)
    quaternion = rows[largest, np.arange(len(flat))]
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    sign = np.where(quaternion[:, :1] < 0, -1.0, 1.0)
    return (quaternion * sign).reshape(*m.shape[:-2], 4)


def continuous_quaternions(quaternion: FloatArray) -> FloatArray:
    """Flip signs along time (axis 0) so that neighbours are never more than half a turn apart."""
    quaternion = np.array(quaternion, dtype=np.float64)
    dots = np.sum(quaternion[1:] * quaternion[:-1], axis=-1)
    flips = np.cumprod(np.where(dots < 0, -1.0, 1.0))
    quaternion[1:] *= flips[:, None]
    return quaternion


def euler_from_matrix(matrix: FloatArray, order: str = "XYZ") -> FloatArray:
    """(..., 3, 3) to Euler angles (..., 3) in x, y, z storage, in Blender's sense of ``order``.

    Blender's ``XYZ`` applies X first: the matrix is Rz @ Ry @ Rx.
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    parity = 1.0 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1.0
    m = np.asarray(matrix, dtype=np.float64)
    cos_middle = np.hypot(m[..., i, i], m[..., j, i])
    euler = np.empty(m.shape[:-1])
    regular = cos_middle > 1e-9
    euler[..., i] = np.where(
        regular,
        np.arctan2(parity * m[..., k, j], m[..., k, k]),
        np.arctan2(-parity * m[..., j, k], m[..., j, j]),
    )
    euler[..., j] = np.arctan2(-parity * m[..., k, i], cos_middle)
    euler[..., k] = np.where(regular, np.arctan2(parity * m[..., j, i], m[..., i, i]), 0.0)
    return euler


def mean_rotation(matrices: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Chordal mean of (T, 3, 3) rotations: the rotation nearest to their weighted average."""
    u, _, vt = np.linalg.svd(np.average(matrices, axis=0, weights=weights))
    return u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt


def relative_to_mean(matrices: FloatArray) -> FloatArray:
    """(T, 3, 3) rotations as (T, 3) rotation vectors from their mean, in the axes of what is turned."""
    return rotvec_from_matrix(mean_rotation(matrices).T @ matrices)


def _skew(vector: FloatArray) -> FloatArray:
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], -2)
