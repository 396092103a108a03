# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlapping windows over a long sequence, and the slope by which neighbours are cross-faded. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def window_starts(count: int, length: int, step: int) -> list[int]:
    """First frames of windows of ``length`` that cover ``count`` frames, ``step`` apart.

    The last one ends with the sequence and so may overlap more than the others; a sequence that fits into one window
    has one, an empty sequence none.
    """
    if not count:
        return []
    last = max(count - length, 0)
    return [*range(0, last, step), last]


def raised_cosine(frames: int) -> NDArray[np.float64]:
    """(frames,) rising from 0 to 1, both excluded; with its reverse it sums to 1 (sin^2 and cos^2)."""
    slope: NDArray[np.float64] = np.sin(np.linspace(0, np.pi / 2, frames + 2)[1:-1]) ** 2
    return slope
