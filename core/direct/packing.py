# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays over time as few bytes: half-precision numbers, differences from frame to frame, zlib."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def pack_array(array: NDArray[np.float32], effort: int = 6) -> bytes:
    """(T, ...) values; those of one channel behind each other, as differences: neighbours are alike."""
    halves = np.asarray(array, np.float16).reshape(len(array), -1).view(np.uint16)
    steps = np.diff(halves, axis=0, prepend=np.zeros((1, halves.shape[1]), np.uint16)).T
    both = np.stack([steps & 0xFF, steps >> 8]).astype(np.uint8)
    return zlib.compress(both.tobytes(), effort)


def unpack_array(data: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Inverse of :func:`pack_array`."""
    frames = shape[0]
    both = np.frombuffer(zlib.decompress(data), np.uint8).reshape(2, -1, frames).astype(np.uint16)
    halves = np.cumsum(both[0] | (both[1] << 8), axis=1, dtype=np.uint16)
    return np.ascontiguousarray(halves.T).view(np.float16).astype(np.float32).reshape(shape)
