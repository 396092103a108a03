# SPDX-License-Identifier: GPL-3.0-or-later
"""Small functions of values over frames: a smooth step, and the stretches where something holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .rotations import FloatArray


def smoothstep(share: FloatArray) -> NDArray[np.float64]:
    """0 up to 0, 1 from 1 on, and between them slow at both ends: 3s^2 - 2s^3."""
    share = np.clip(share, 0.0, 1.0)
    risen: NDArray[np.float64] = share**2 * (3.0 - 2.0 * share)
    return risen


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[start, end) of every stretch of True in (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
