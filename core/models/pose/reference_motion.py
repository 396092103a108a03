# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion of any length from a short recording of it, without seams and without drift.

The recording is played forwards and backwards between seeded turning points. The play-back speed eases
through zero at each turn, so the result is never faster than the recording, has no jump in position or
velocity anywhere, and every pose in it is one that the person took.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...face.rotations import FloatArray

# easing from full speed to rest takes 0.8 s at 25 fps
_RAMP_FRAMES = 20.0
# turning points lie within this share of the recording from either end
_TURN_ZONE = 0.25


def extend_head_motion(head: FloatArray, frames: int, seed: int) -> NDArray[np.float32]:
    """(T, 3) recorded rotation vectors to (frames, 3); the same seed gives the same motion."""
    if len(head) < 2:
        return np.zeros((frames, 3), np.float32)
    rng = np.random.default_rng(seed)
    return _sample(head, reading_positions(len(head), frames, rng)).astype(np.float32)


def reading_positions(length: int, frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(frames,) positions in a recording of ``length`` frames: plain play-back if it is long enough."""
    last = length - 1.0
    if frames <= length:
        return float(rng.integers(0, length - frames + 1)) + np.arange(frames, dtype=np.float64)
    position = rng.uniform(0.0, _TURN_ZONE) * last
    pieces: list[NDArray[np.float64]] = []
    count, forwards = 0, True
    while count < frames:
        zone = rng.uniform(0.0, _TURN_ZONE) * last
        target = last - zone if forwards else zone
        leg = _leg(abs(target - position))
        pieces.append(position + leg * (1.0 if forwards else -1.0))
        count += len(leg)
        position, forwards = target, not forwards
    return np.concatenate(pieces)[:frames]


def _leg(distance: float) -> NDArray[np.float64]:
    """Distances covered per frame from 0 up to ``distance``: speed eases 0 to 1, holds, and eases to 0."""
    ramp = min(_RAMP_FRAMES, distance)
    duration = distance + ramp
    # whole frames: the speed is stretched by less than one frame's worth
    steps = max(int(np.ceil(duration)), 1)
    time = np.arange(steps) * (duration / steps)
    up = _eased_distance(np.clip(time / ramp, 0.0, 1.0)) * ramp
    cruise = np.clip(time - ramp, 0.0, distance - ramp)
    down = np.clip((time - distance) / ramp, 0.0, 1.0)
    return up + cruise + (down - _eased_distance(down)) * ramp


def _eased_distance(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integral of the smoothstep speed 3t^2 - 2t^3."""
    return share**3 - share**4 / 2.0


def _sample(values: FloatArray, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Catmull-Rom interpolation along axis 0: smooth speed also between the recording's frames."""
    last = len(values) - 1
    low = np.clip(np.floor(positions).astype(int), 0, max(last - 1, 0))
    t = (positions - low)[:, None]
    before, left, right, after = (values[np.clip(low + step, 0, last)] for step in (-1, 0, 1, 2))
    cubic = 3 * (left - right) + after - before
    square = 2 * before - 5 * left + 4 * right - after
    sampled: NDArray[np.float64] = left + 0.5 * t * (right - before + t * (square + t * cubic))
    return sampled
