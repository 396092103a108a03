# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampled curves at another tempo, for batches in which nobody speaks at the recording's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def retimed(
    values: NDArray[np.floating],
    count: int,
    tempo: float,
    first: int = 0,
    precision: type[np.floating] = np.float32,
) -> NDArray[np.float32]:
    """``count`` rows of (N, F) from row ``first`` on, ``tempo`` rows apart, linear between the source's.

    Past the end the last row is held. ``precision`` is what the shares of two rows are computed in: training repeats
    to the bit only with the one that it had.
    """
    position = np.minimum(first + np.arange(count) * tempo, len(values) - 1)
    low = np.minimum(position.astype(int), max(len(values) - 2, 0))
    blend = (position - low)[:, None].astype(precision)
    after = values[np.minimum(low + 1, len(values) - 1)]
    return ((1 - blend) * values[low] + blend * after).astype(np.float32, copy=False)
