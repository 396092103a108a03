# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of recorded frames: timecodes and clocks to seconds, and frames at an even rate where some are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import MediaError
from ..face.rotations import FloatArray

RATES = (23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 90.0, 119.88, 120.0)
# whole frames of a timecode's second
_COUNTED = (24, 25, 30, 48, 50, 60, 90, 120)
DEFAULT_FPS = 60.0
LOWEST_FPS, HIGHEST_FPS = 1.0, 1000.0
_LONGEST_SECONDS = 6 * 3600.0
_SNAP = 0.004
# of a frame: a frame that lies this far from its place is moved to it
_UNEVEN = 0.25
_DAY_SECONDS = 86400
_TIMECODE = re.compile(r"\s*(\d+):(\d+):(\d+)[:;](\d+(?:[.,]\d+)?)\s*")
# units of a clock without a name, by the size of its median step
_UNITS = ((2e6, 1e-9), (2e3, 1e-6), (2.0, 1e-3))


@dataclass(frozen=True, slots=True, eq=False)
class Even:
    """fps of the frames that are wanted at ``places``: (T,) fractional indices into the frames that there are."""

    fps: float
    places: NDArray[np.float64]
    start_seconds: float
    notes: tuple[str, ...] = ()

    def of(self, values: FloatArray) -> NDArray[np.float64]:
        """(N, ...) recorded values at the even frames, linear between."""
        low = np.clip(np.floor(self.places).astype(int), 0, len(values) - 1)
        high = np.minimum(low + 1, len(values) - 1)
        share = (self.places - low).reshape(-1, *[1] * (np.ndim(values) - 1))
        return (1.0 - share) * values[low] + share * values[high]


def timecode_seconds(codes: Sequence[str], fps: float | None = None) -> NDArray[np.float64]:
    """Seconds of ``HH:MM:SS:FF.sub`` codes. fps: a rate such as 29.97 makes a code's second that much longer.

    Raises :class:`MediaError` for what is none.
    """
    found = [_TIMECODE.fullmatch(code) for code in codes]
    for line, (code, match) in enumerate(zip(codes, found, strict=True), start=1):
        if match is None:
            raise MediaError(f"The timecode of frame {line} is {code!r:.40}.", "It must be such as 01:02:03:04.000.")
    parts = [[float(value.replace(",", ".")) for value in match.groups()] for match in found if match is not None]
    table = np.array(parts)
    counted = _counted(table[:, 3])
    whole = table[:, 0] * 3600 + table[:, 1] * 60 + table[:, 2]
    # past midnight
    whole += _DAY_SECONDS * np.cumsum(np.concatenate([[0], np.diff(whole) < -_DAY_SECONDS / 2]))
    pace = 1.0 if fps is None else round(fps) / fps
    return (whole + table[:, 3] / counted) * pace


def clock_seconds(name: str, values: FloatArray) -> NDArray[np.float64]:
    """Seconds of a column by its name, else by the size of its steps: ms, µs and ns count up to 2 s a frame."""
    lower = name.lower()
    if lower.endswith(("ms", "msec", "millis", "milliseconds")):
        return np.asarray(values, np.float64) / 1e3
    if lower.endswith(("us", "usec", "micros")):
        return np.asarray(values, np.float64) / 1e6
    step = float(np.median(np.abs(np.diff(values)))) if len(values) > 1 else 0.0
    unit = next((unit for least, unit in _UNITS if step > least), 1.0)
    return np.asarray(values, np.float64) * unit


def evenly(seconds: FloatArray, fps: float | None = None) -> Even:
    """Even frames for frames at these times. Raises :class:`MediaError` for times that mean nothing.

    fps: where it is known, else the median distance's, taken to a common rate within 0.4 %.
    """
    times = np.asarray(seconds, np.float64)
    if not np.isfinite(times).all():
        raise MediaError("A time of the recording is no number.")
    rising = np.concatenate([[True], times[1:] > np.maximum.accumulate(times)[:-1]])
    kept = np.flatnonzero(rising)
    notes = []
    if len(kept) < len(times):
        notes.append(f"{len(times) - len(kept)} frames come twice or go back in time and were left out.")
    if len(kept) == 1:
        return Even(fps or DEFAULT_FPS, kept.astype(np.float64), float(times[0]), tuple(notes))
    step = float(np.median(np.diff(times[kept])))
    rate = fps or _common(1.0 / step)
    if not LOWEST_FPS <= rate <= HIGHEST_FPS:
        raise MediaError(f"The recording has {rate:g} frames a second.", "Give its rate with --fps.")
    length = float(times[kept[-1]] - times[kept[0]])
    if length > _LONGEST_SECONDS:
        raise MediaError(f"The times of the recording span {length / 3600:.1f} hours.", "Check its time column.")
    wanted = times[kept[0]] + np.arange(round(length * rate) + 1) / rate
    missing = len(wanted) - len(kept)
    uneven = np.abs((times[kept] - times[kept[0]]) * rate - np.round((times[kept] - times[kept[0]]) * rate))
    if missing > 0:
        notes.append(f"{missing} of {len(wanted)} frames are missing and were filled in between their neighbours.")
    if missing == 0 and uneven.max() < _UNEVEN:
        return Even(rate, kept.astype(np.float64), float(times[kept[0]]), tuple(notes))
    return Even(rate, np.interp(wanted, times[kept], kept), float(times[kept[0]]), tuple(notes))


def _counted(frames: FloatArray) -> int:
    """Whole frames of a second, from the highest count within one."""
    highest = int(np.floor(np.max(frames)))
    if highest == 0:
        return 1
    known = [count for count in _COUNTED if count > highest]
    if not known:
        raise MediaError(
            f"A timecode counts frame {highest} within a second.", "Give the recording's rate with --fps."
        )
    # a take of less than a second shows no highest count
    return known[0] if len(frames) > known[0] else max(known[0], round(DEFAULT_FPS))


def _common(rate: float) -> float:
    nearest = min(RATES, key=lambda known: abs(known - rate))
    return nearest if abs(nearest - rate) <= _SNAP * nearest else rate
