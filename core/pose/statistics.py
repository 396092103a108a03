# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion statistics of a speaker: range, speed, share of time at rest, and relation to prosodic prominence.

PoseGPT's style embedding is computed from them, so it generalises to speakers outside the training set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..face.motion import INTERNAL_FPS
from .prominence import SPEAKING_LOUDNESS, moving_mean, prominence_peaks

FloatArray = NDArray[np.floating]
STATISTICS = (
    *("rest x", "rest y", "rest z"),
    *("spread x", "spread y", "spread z"),
    *("speed x", "speed y", "speed z"),
    *("quick x", "quick y", "quick z"),
    *("skew x", "skew y", "skew z"),
    *("xy", "xz", "yz"),
    *("still", "nod", "speech"),
)
RESTING = slice(0, 3)
# the last two need the sound: a reference without it has not a number there
SPEECH_STATISTICS = 2
_FLOOR_DEGREES = 0.05
_QUICK_SECONDS = 0.6
_STILL_DEGREES_PER_SECOND = 3.0
_NOD_SECONDS = 0.4


def pose_statistics(heads: Sequence[FloatArray], loudness: Sequence[FloatArray] | None = None) -> NDArray[np.float64]:
    """(21,) statistics of one person's clips, (T, 3) rotation vectors in radians and (T,) loudness at 25 fps.

    ``rest``: mean pose in degrees (0 for a whole reference, whose own mean is its rest). Amounts are logarithms of
    degrees and degrees a second, per axis; ``nod``: degrees of pitch on a prominent syllable; ``speech``:
    log ratio of speed while speaking to speed in pauses, both NaN without ``loudness``. Source: ours.
    """
    degrees = [np.degrees(np.asarray(head, np.float64)) for head in heads]
    centred = np.concatenate([head - head.mean(axis=0) for head in degrees])
    steps = np.concatenate([np.diff(head, axis=0) for head in degrees]) * INTERNAL_FPS
    quick = np.concatenate([head - moving_mean(head, round(_QUICK_SECONDS * INTERNAL_FPS)) for head in degrees])
    spread = centred.std(axis=0)
    return np.concatenate(
        [
            np.concatenate(degrees).mean(axis=0),
            np.log(spread + _FLOOR_DEGREES),
            np.log(np.abs(steps).mean(axis=0) + _FLOOR_DEGREES),
            np.log(quick.std(axis=0) + _FLOOR_DEGREES),
            np.tanh((centred**3).mean(axis=0) / (spread + _FLOOR_DEGREES) ** 3 / 2),
            _correlations(centred, spread),
            [_still_share(degrees)],
            _with_speech(degrees, loudness),
        ]
    )


def _correlations(centred: NDArray[np.float64], spread: NDArray[np.float64]) -> list[float]:
    normal = centred / (spread + _FLOOR_DEGREES)
    return [float((normal[:, a] * normal[:, b]).mean()) for a, b in ((0, 1), (0, 2), (1, 2))]


def _still_share(degrees: Sequence[NDArray[np.float64]]) -> float:
    return float(np.mean(np.concatenate([_speed(head) for head in degrees]) < _STILL_DEGREES_PER_SECOND))


def _speed(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm(np.gradient(degrees, axis=0), axis=1) * INTERNAL_FPS


def _with_speech(degrees: Sequence[NDArray[np.float64]], loudness: Sequence[FloatArray] | None) -> list[float]:
    if loudness is None:
        return [float("nan")] * SPEECH_STATISTICS
    pairs = [(head[: len(loud)], loud[: len(head)]) for head, loud in zip(degrees, loudness, strict=True)]
    nods = np.concatenate([_nods(head, loud) for head, loud in pairs])
    speed = np.concatenate([_speed(head) for head, _ in pairs])
    speaking = np.concatenate([np.asarray(loud) > SPEAKING_LOUDNESS for _, loud in pairs])
    ratio = 0.0
    if 0 < speaking.sum() < len(speaking):
        ratio = float(np.log((speed[speaking].mean() + 1.0) / (speed[~speaking].mean() + 1.0)))
    return [float(nods.mean()) if len(nods) else 0.0, ratio]


def _nods(degrees: NDArray[np.float64], loudness: FloatArray) -> NDArray[np.float64]:
    """Pitch in degrees at each prominence peak less its mean 0.4 s before and after."""
    reach = round(_NOD_SECONDS * INTERNAL_FPS)
    peaks = prominence_peaks(loudness)
    inside = peaks[(peaks >= reach) & (peaks < len(degrees) - reach)]
    pitch = degrees[:, 0]
    return pitch[inside] - 0.5 * (pitch[inside - reach] + pitch[inside + reach])
