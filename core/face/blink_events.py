# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds blinks in the lids' opening over time: fast closings that reopen, incomplete blinks included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rotations import FloatArray

# lids come down in 60 to 120 ms; a slower fall is a look downwards
_FALL_SECONDS = 0.2
# of the way to shut: half-blinks reach about a half, jitter and squinting stay under this
_LEAST_DEPTH = 0.35
# eyes that stay shut longer are closed, not blinking
_LONGEST_SECONDS = 1.0
# of the fall that is recovered before the next blink may begin: in a double blink the eye opens half only
_RECOVERY_SHARE = 0.4
# how long after the blink the lids' new height is looked for: they do not always reopen fully
_SETTLE_SECONDS = 0.4
# a tracked shut eye shows about this share of its median opening
_SHUT_SHARE = 0.15
# begin and end of a blink are where this share of its depth is passed, falling and rising
EDGE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Blink:
    """Times in seconds from the clip's start; start and end where a fifth of the depth is passed.

    depth: 1 shuts the eye, half-blinks have less.
    """

    start_seconds: float
    peak_seconds: float
    end_seconds: float
    depth: float

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.end_seconds - self.start_seconds


def find_blinks(opening: FloatArray, seen: NDArray[np.bool_], fps: float) -> tuple[Blink, ...]:
    """Blinks in ``opening`` (T,), any unit; those that touch a frame that was not ``seen`` (T,) are left out.

    A blink is known by its speed, so that looking down and a head that nods are none.
    """
    values = np.asarray(opening, np.float64)
    if len(values) < 3 or not seen.any():
        return ()
    shut = _SHUT_SHARE * float(np.percentile(values[seen], 90))
    reach = round(_FALL_SECONDS * fps)
    found: list[Blink] = []
    free, frame = 0, 1
    while frame < len(values):
        # a fall is counted once: it cannot begin before the last one has recovered
        first = max(frame - reach, free)
        onset = first + _last_argmax(values[first:frame])
        drop = values[onset] - values[frame]
        if drop < _LEAST_DEPTH * max(values[onset] - shut, 1e-9):
            frame += 1
            continue
        end = _recovery(values, onset, frame, fps)
        if end is not None and seen[onset : end + 1].all():
            found.append(_timed(values, onset, end, shut, fps))
        free = frame + round(_LONGEST_SECONDS * fps) if end is None else end
        frame = free + 1
    return tuple(found)


def lid_noise(opening: FloatArray, seen: NDArray[np.bool_]) -> float:
    """Jitter of the lids as a share of their opening (robust: blinks do not count)."""
    values = np.asarray(opening, np.float64)
    if seen.sum() < 5:
        return float("inf")
    median = float(np.median(values[seen]))
    bends = np.diff(values, 2)[seen[2:] & seen[1:-1] & seen[:-2]]
    # a second difference of white noise has sqrt(6) times its deviation, the median of sizes is 0.6745 of it
    return (
        float(np.median(np.abs(bends))) / (0.6745 * np.sqrt(6.0) * max(median, 1e-9)) if len(bends) else float("inf")
    )


def _last_argmax(values: NDArray[np.float64]) -> int:
    return len(values) - 1 - int(np.argmax(values[::-1]))


def _recovery(values: NDArray[np.float64], onset: int, frame: int, fps: float) -> int | None:
    """The frame by which enough of the fall is recovered, or None where that takes too long."""
    lowest = values[frame]
    for later in range(frame, min(frame + round(_LONGEST_SECONDS * fps), len(values))):
        lowest = min(lowest, values[later])
        if values[later] - lowest >= _RECOVERY_SHARE * (values[onset] - lowest):
            return later
    return None


def _timed(values: NDArray[np.float64], onset: int, end: int, shut: float, fps: float) -> Blink:
    lowest = onset + int(np.argmin(values[onset : end + 1]))
    open_before, low = values[onset], values[lowest]
    settled = values[lowest : end + 1 + round(_SETTLE_SECONDS * fps)]
    open_after = min(float(settled.max()), open_before)
    down = _crossing(values, lowest, -1, low + (1 - EDGE_SHARE) * (open_before - low))
    up = _crossing(values, lowest, 1, low + (1 - EDGE_SHARE) * (open_after - low))
    depth = (open_before - low) / max(open_before - shut, 1e-9)
    return Blink(down / fps, lowest / fps, up / fps, float(depth))


def _crossing(values: NDArray[np.float64], start: int, step: int, level: float) -> float:
    """The position, between frames, where ``values`` reaches ``level`` going from ``start``."""
    frame = start
    while 0 <= frame + step < len(values) and values[frame] < level:
        frame += step
    before = frame - step
    if frame == start or values[frame] < level:
        return float(frame)
    return before + step * (level - values[before]) / (values[frame] - values[before])
