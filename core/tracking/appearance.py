# SPDX-License-Identifier: GPL-3.0-or-later
"""A small upright picture of the face in every frame: who it is, and whether something covers the mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import EYE_OUTER_LEFT, EYE_OUTER_RIGHT

CHIP_SIZE = 24
# the chip in units of the distance between the outer corners of the eyes, about their middle
_LEFT, _RIGHT, _TOP, _BOTTOM = -0.8, 0.8, -0.45, 1.25
_GRID_X, _GRID_Y = np.meshgrid(
    np.linspace(_LEFT, _RIGHT, CHIP_SIZE), np.linspace(_TOP, _BOTTOM, CHIP_SIZE), indexing="xy"
)
# each chip pixel is the mean of this many samples a side, so that sensor noise does not count
_SUBSAMPLES = 2


def face_chip(rgb: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(24, 24, 3) the face turned upright and to one size; black where no face was found.

    rgb: (H, W, 3); landmarks: (478, 3) pixels of it.
    """
    if not np.isfinite(landmarks[0, 0]):
        return np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    right, left = landmarks[EYE_OUTER_RIGHT, :2], landmarks[EYE_OUTER_LEFT, :2]
    across = left - right
    down = np.array([-across[1], across[0]])
    middle = (left + right) / 2
    step = (_RIGHT - _LEFT) / CHIP_SIZE / _SUBSAMPLES
    total = np.zeros((CHIP_SIZE, CHIP_SIZE, 3), np.float32)
    for row in range(_SUBSAMPLES):
        for column in range(_SUBSAMPLES):
            x, y = _GRID_X + column * step, _GRID_Y + row * step
            at = middle + x[..., None] * across + y[..., None] * down
            columns = np.clip(np.round(at[..., 0]).astype(int), 0, rgb.shape[1] - 1)
            rows = np.clip(np.round(at[..., 1]).astype(int), 0, rgb.shape[0] - 1)
            total += rgb[rows, columns]
    return np.round(total / _SUBSAMPLES**2).astype(np.uint8)
