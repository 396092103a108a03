# SPDX-License-Identifier: GPL-3.0-or-later
"""Inverses of the product's conversions of rotations, to check round trips with."""

from __future__ import annotations

import numpy as np

from core.face.rotations import FloatArray, matrix_from_rotvec, rotvec_from_quaternion


def matrix_from_quaternion(quaternion: FloatArray) -> FloatArray:
    """(..., 4) unit quaternions to (..., 3, 3)."""
    return matrix_from_rotvec(rotvec_from_quaternion(quaternion))


def matrix_from_euler(euler: FloatArray, order: str = "XYZ") -> FloatArray:
    """Inverse of :func:`euler_from_matrix`."""
    euler = np.asarray(euler, dtype=np.float64)
    matrix = np.broadcast_to(np.eye(3), (*euler.shape[:-1], 3, 3))
    for letter in order:
        axis = "XYZ".index(letter)
        rotvec = np.zeros_like(euler)
        rotvec[..., axis] = euler[..., axis]
        matrix = matrix_from_rotvec(rotvec) @ matrix
    return matrix
