# SPDX-License-Identifier: GPL-3.0-or-later
"""Local dynamics of head motion: log speed and log spread around each frame. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.motion import INTERNAL_FPS
from .prominence import moving_mean

_WINDOW_SECONDS = 1.0
# added before the logarithm: what a tracker cannot tell from rest
_SPEED_FLOOR_DEGREES_PER_SECOND = 0.5
_SPREAD_FLOOR_DEGREES = 0.1


def movement(head: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T, 3) radians to (T, 6): per axis the logarithm of speed (degrees a second) and of spread (degrees) within 1 s.

    The same for a head and its mirror image, and constant for a head that does not move.
    """
    degrees = np.degrees(np.asarray(head, np.float64))
    speed = np.abs(np.diff(degrees, axis=0, prepend=degrees[:1])) * INTERNAL_FPS
    frames = round(_WINDOW_SECONDS * INTERNAL_FPS)
    around = degrees - moving_mean(degrees, 2 * frames)
    spread = np.sqrt(moving_mean(around**2, frames))
    values = [
        np.log(moving_mean(speed, frames) + _SPEED_FLOOR_DEGREES_PER_SECOND),
        np.log(spread + _SPREAD_FLOOR_DEGREES),
    ]
    return np.concatenate(values, axis=1).astype(np.float32)
