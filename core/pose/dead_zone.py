# SPDX-License-Identifier: GPL-3.0-or-later
"""Post-processing of decoded head motion: drift removal, a dead zone, and a speed limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.motion import INTERNAL_FPS
from .prominence import moving_mean

FloatArray = NDArray[np.floating]
_EASE_SECONDS = 0.28
_REST_SECONDS = 12.0
# means over half a minute of recorded heads stay within 0.8 degrees of their rest
_REST_RADIANS = float(np.radians(1.0))


def remove_drift(head: FloatArray) -> NDArray[np.float32]:
    """(T, 3) whose mean over some 20 s stays within about a degree of rest; all quicker motion stays as it is.

    Codes know where the head was, not for how long: without this a tilted head may stay so for half a minute.
    """
    values = np.asarray(head, np.float64)
    frames = round(_REST_SECONDS * INTERNAL_FPS)
    slow = _mean_around(_mean_around(values, frames), frames)
    distance = np.linalg.norm(slow, axis=1, keepdims=True)
    excess = np.maximum(1.0 - _REST_RADIANS / np.maximum(distance, 1e-9), 0.0)
    return (values - slow * excess).astype(np.float32)


def _mean_around(values: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """(T, 3) means of what there is within half of ``frames`` before and after each frame."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    here = np.arange(len(values))
    first, last = np.maximum(here - frames // 2, 0), np.minimum(here + frames // 2 + 1, len(values))
    mean: NDArray[np.float64] = (total[last] - total[first]) / (last - first)[:, None]
    return mean


def apply_dead_zone(head: FloatArray, floor_radians: float) -> NDArray[np.float32]:
    """(T, 3) with a dead zone (backlash filter): motion smaller than the floor, in radians, is removed.

    A follower on a slack line of the floor's length, run from both ends so that it neither lags nor leads, then eased.
    A floor of 0 changes nothing.
    """
    values = np.asarray(head, np.float64)
    if floor_radians <= 0 or len(values) < 2:
        return values.astype(np.float32)
    both = 0.5 * (_follow(values, floor_radians) + _follow(values[::-1], floor_radians)[::-1])
    width = round(_EASE_SECONDS * INTERNAL_FPS)
    return moving_mean(moving_mean(both, width), width).astype(np.float32)


def _follow(values: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    followed = np.empty_like(values)
    here = values[0]
    for frame, wanted in enumerate(values):
        pull = wanted - here
        distance = float(np.sqrt(pull @ pull))
        if distance > slack:
            here = here + pull * (1.0 - slack / distance)
        followed[frame] = here
    return followed


def limit_speed(head: FloatArray, radians_per_frame: float) -> NDArray[np.float32]:
    """(T, 3) in which no step between frames is longer than the limit.

    Each step that is too long is shortened and what it lacks is spread over the frames around it, so that the head
    still arrives; a head within the limit is returned unchanged.
    """
    values = np.asarray(head, np.float64).copy()
    for _ in range(_MAX_PASSES):
        steps = np.diff(values, axis=0)
        length = np.linalg.norm(steps, axis=1)
        fast = np.flatnonzero(length > radians_per_frame)
        if len(fast) == 0:
            return values.astype(np.float32)
        values = _softened(values, fast)
    return _clipped(values, radians_per_frame).astype(np.float32)


_MAX_PASSES = 12
_SOFTEN_FRAMES = 6


def _softened(values: NDArray[np.float64], fast: NDArray[np.int64]) -> NDArray[np.float64]:
    """Smoother around the fast steps only, with a raised-cosine share."""
    share = np.zeros(len(values))
    ramp = 0.5 + 0.5 * np.cos(np.pi * np.arange(-_SOFTEN_FRAMES, _SOFTEN_FRAMES + 1) / (_SOFTEN_FRAMES + 1))
    for frame in fast:
        first, last = max(frame - _SOFTEN_FRAMES, 0), min(frame + _SOFTEN_FRAMES + 1, len(values))
        part = ramp[first - frame + _SOFTEN_FRAMES : last - frame + _SOFTEN_FRAMES]
        share[first:last] = np.maximum(share[first:last], part)
    return values + share[:, None] * (moving_mean(values, 3) - values)


def _clipped(values: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """The last resort: steps cut to the limit, and the end drifts back to where it was wanted."""
    result = np.empty_like(values)
    here = values[0]
    for frame, wanted in enumerate(values):
        pull = wanted - here
        distance = float(np.linalg.norm(pull))
        here = here + pull * min(1.0, limit / max(distance, 1e-12))
        result[frame] = here
    return result
