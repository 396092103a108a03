# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a clip's picture is out of step with its sound: mouth opening against what the sound predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..audio.level import frame_level
from ..audio.speech import SAMPLE_RATE, Speech
from ..face.rotations import FloatArray

SEARCH_FRAMES = 15
# under this correlation, mouth and sound tell nothing about each other
WEAK_CORRELATION = 0.35
# the best of thirty shifts correlates by chance the more, the shorter the clip: about this over the root of seconds
CHANCE_CORRELATION = 1.1
# a shift must beat the unshifted clip by this much before we touch the clip
MIN_GAIN = 0.03


@dataclass(frozen=True, slots=True)
class SyncOffset:
    """offset_seconds: positive where the picture comes late; correlation at that offset; reliable, or left at 0."""

    offset_seconds: float
    correlation: float
    reliable: bool


def measure_offset(
    tracked: FloatArray, expected: FloatArray, fps: float, search_frames: int = SEARCH_FRAMES
) -> SyncOffset:
    """Best shift of tracked (T,) against expected (T,) mouth opening within the search, to a fraction of a frame.

    Correlation over shifts is refined by a parabola through its peak. A peak that a clip of this length could
    show by chance, or that hardly beats the unshifted clip, gives offset 0.
    """
    frames = min(len(tracked), len(expected))
    reach = min(search_frames, frames // 3)
    curve = np.array([correlation_at(tracked[:frames], expected[:frames], lag) for lag in range(-reach, reach + 1)])
    peak = int(curve.argmax())
    best, unshifted = float(curve[peak]), float(curve[reach])
    needed = max(WEAK_CORRELATION, CHANCE_CORRELATION / np.sqrt(frames / fps))
    clear = best >= needed and 0 < peak < 2 * reach
    if not clear or best - unshifted < MIN_GAIN:
        return SyncOffset(0.0, unshifted, reliable=clear or unshifted >= WEAK_CORRELATION)
    left, right = curve[peak - 1], curve[peak + 1]
    curvature = left - 2 * best + right
    fraction = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    # whole milliseconds: finer is noise, and would make results differ with the number of threads
    return SyncOffset(round(float((peak - reach + fraction) / fps), 3), best, True)


def loudness(speech: Speech, fps: float, frames: int) -> NDArray[np.float64]:
    """(frames,) decibels, floored 50 dB under the peak: a rough stand-in for the mouth's opening.

    The window of frame k is centred on k / fps, when the picture of frame k was taken.
    """
    half = np.zeros(round(SAMPLE_RATE / fps / 2), np.float32)
    level = frame_level(Speech(np.concatenate([half, speech.samples]), speech.source), fps, frames)
    floored: NDArray[np.float64] = np.maximum(level, level.max() - 50)
    return floored


def correlation_at(tracked: FloatArray, expected: FloatArray, lag: int, least_frames: float = 1) -> float:
    """Correlation of (T,) series with ``tracked`` so many frames later, over the frames on which it is no NaN.

    0 where these are fewer than ``least_frames``, or where one of the series does not change.
    """
    frames = min(len(tracked), len(expected))
    late = tracked[max(lag, 0) : frames + min(lag, 0)]
    early = expected[max(-lag, 0) : frames - max(lag, 0)]
    known = np.isfinite(late)
    late, early = late[known], early[known]
    if len(late) < least_frames or late.std() < 1e-9 or early.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(late, early)[0, 1])
