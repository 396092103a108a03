# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes blinks for a speech of any length: when, how long and how deep, as lid closure over time.

Times are a renewal process: intervals drawn anew each time, with the person's mean and spread. The process runs on
a clock that goes faster in pauses, so that blinks fall there as often as the person's do, and the rate stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...face.blink_events import EDGE_SHARE
from ...style.parts import EyesPart

# closing takes 80 ms, up to 100 ms in slow blinks; both lids are down for a frame; opening eases out (tracked people)
_CLOSING_SECONDS = (0.08, 0.10)
_SLOW_BLINK_SECONDS = (0.2, 0.4)
_LEAST_HOLD_SECONDS = 0.04
_OPENING_SECONDS = (0.10, 0.40)
# where closing and opening pass the edges that a blink's length is measured between (see _closing and _opening)
_CLOSING_SHARE = 0.713
_OPENING_SHARE = 1.0 - EDGE_SHARE ** (1 / 3)
_DURATION_SPREAD = 0.2
_DURATION_LIMITS = (0.14, 0.8)
# some blinks do not shut the eye
_HALF_BLINKS = 0.1
_HALF_DEPTHS = (0.6, 0.9)
# the lids come back for at least so long between two blinks
_LEAST_OPEN_SECONDS = 0.1
_LARGEST_PAUSE_SHARE = 0.9
_CLUSTERING_LIMITS = (0.05, 0.65)
# the process starts this many mean intervals early, so that its beginning cannot be told
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class PlannedBlink:
    """One blink; times in seconds from the start of the speech.

    start_seconds: the lids begin to close. shut_seconds: they are shut. hold_seconds: how long they stay shut.
    opening_seconds: how long they take to open. depth: 1 shuts the eye.
    """

    start_seconds: float
    shut_seconds: float
    hold_seconds: float
    opening_seconds: float
    depth: float

    @property
    def mostly_open_seconds(self) -> float:
        """The lids have come back but for the edge that a blink's length is measured to."""
        return self.shut_seconds + self.hold_seconds + _OPENING_SHARE * self.opening_seconds

    @property
    def end_seconds(self) -> float:
        """The lids are where they were."""
        return self.shut_seconds + self.hold_seconds + self.opening_seconds


def blink_closure(
    part: EyesPart, pauses: NDArray[np.bool_], fps: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(T,) lid closure 0..1 for a speech whose ``pauses`` are (T,); 0 at both ends."""
    return closure_of(plan_blinks(part, pauses, fps, rng), len(pauses), fps)


def plan_blinks(
    part: EyesPart, pauses: NDArray[np.bool_], fps: float, rng: np.random.Generator
) -> tuple[PlannedBlink, ...]:
    """Blinks in order, none overlapping, none cut by the ends, each shut on a whole frame."""
    if part.blinks_per_minute <= 0 or not len(pauses):
        return ()
    clock = _clock(pauses, part.pause_share, fps)
    times = _renewals(part, float(clock[-1]), rng)
    moments = np.interp(times, clock, np.arange(len(clock)) / fps)
    planned: list[PlannedBlink] = []
    for moment in moments:
        blink = _blink(float(moment), part.blink_seconds, fps, rng)
        earliest = planned[-1].mostly_open_seconds + _LEAST_OPEN_SECONDS if planned else 0.0
        if blink.start_seconds < earliest:
            blink = _moved(blink, np.ceil((earliest - blink.start_seconds) * fps - 1e-6) / fps)
        if blink.start_seconds >= 0 and blink.end_seconds <= (len(pauses) - 1) / fps:
            planned.append(blink)
    return tuple(planned)


def closure_of(blinks: tuple[PlannedBlink, ...], frames: int, fps: float) -> NDArray[np.float64]:
    """(frames,) closure 0..1."""
    closure = np.zeros(frames)
    for blink in blinks:
        first, last = int(np.ceil(blink.start_seconds * fps)), int(blink.end_seconds * fps)
        window = slice(max(first, 0), min(last + 1, frames))
        seconds = np.arange(window.start, window.stop) / fps
        closure[window] = np.maximum(closure[window], blink_shape(blink, seconds))
    return closure


def blink_shape(blink: PlannedBlink, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Closure at ``seconds`` (n,): down along a smoothstep, a hold, up fast at first and easing out (cubic)."""
    down = (seconds - blink.start_seconds) / (blink.shut_seconds - blink.start_seconds)
    up = (seconds - blink.shut_seconds - blink.hold_seconds) / blink.opening_seconds
    # rounding must not leave the lids a hair open on the frame that they shut on
    down = np.where(down > 1 - 1e-6, 1.0, np.clip(down, 0.0, 1.0))
    up = np.where(up < 1e-6, 0.0, np.clip(up, 0.0, 1.0))
    shape: NDArray[np.float64] = blink.depth * down**2 * (3 - 2 * down) * (1 - up) ** 3
    return shape


def _clock(pauses: NDArray[np.bool_], pause_share: float, fps: float) -> NDArray[np.float64]:
    """(T + 1,) the process' own time in seconds at every frame's start: as long in all as the speech."""
    weights = np.ones(len(pauses))
    share = float(pauses.mean())
    if 0 < share < 1:
        in_pauses = min(pause_share * share, max(_LARGEST_PAUSE_SHARE, share))
        weights = np.where(pauses, in_pauses / share, (1 - in_pauses) / (1 - share))
    return np.concatenate([[0.0], np.cumsum(weights)]) / fps


def _renewals(part: EyesPart, seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sorted times in 0..seconds: gamma intervals over a shortest one, with the wanted mean and spread."""
    mean = 60.0 / part.blinks_per_minute
    clustering = float(np.clip(part.clustering, *_CLUSTERING_LIMITS))
    spread = mean * clustering / (1 - clustering)
    shortest = min(part.blink_seconds + _LEAST_OPEN_SECONDS, 0.5 * mean)
    free = mean - shortest
    shape = (free / spread) ** 2
    count = int((seconds / mean + _WARM_UP) * 1.5 + 6 * np.sqrt(seconds / mean + _WARM_UP) * spread / mean) + 8
    intervals = shortest + rng.gamma(shape, free / shape, count)
    times = np.cumsum(intervals) - (_WARM_UP + rng.random()) * mean
    return times[(times >= 0) & (times < seconds)]


def _blink(start_seconds: float, mean_seconds: float, fps: float, rng: np.random.Generator) -> PlannedBlink:
    """Begins at about ``start_seconds``: so that the lids are down on a whole frame, and not only between two."""
    drawn = mean_seconds * np.exp(_DURATION_SPREAD * rng.standard_normal() - 0.5 * _DURATION_SPREAD**2)
    seconds = float(np.clip(drawn, *_DURATION_LIMITS))
    half, depth = rng.random() < _HALF_BLINKS, float(rng.uniform(*_HALF_DEPTHS))
    closing = float(np.interp(seconds, _SLOW_BLINK_SECONDS, _CLOSING_SECONDS))
    rest = seconds - _CLOSING_SHARE * closing
    opening = float(np.clip((rest - _LEAST_HOLD_SECONDS) / _OPENING_SHARE, *_OPENING_SECONDS))
    hold = max(rest - _OPENING_SHARE * opening, _LEAST_HOLD_SECONDS)
    shut = round((start_seconds + closing) * fps) / fps
    return PlannedBlink(shut - closing, shut, hold, opening, depth if half else 1.0)


def _moved(blink: PlannedBlink, seconds: float) -> PlannedBlink:
    start, shut = blink.start_seconds + seconds, blink.shut_seconds + seconds
    return PlannedBlink(start, shut, blink.hold_seconds, blink.opening_seconds, blink.depth)
