# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a speech pauses, frame by frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...audio.level import frame_level
from ...audio.speech import Speech
from ...face.series import runs

# what phoneticians count as a silent pause begins at 0.2 to 0.25 s: shorter gaps are the closures of stops
SHORTEST_PAUSE_SECONDS = 0.2
_SHORTEST_SOUND_SECONDS = 0.08
# how far above the quiet parts the border lies, as a share of the way to the loud ones, and its limits under them
_BORDER_SHARE = 0.3
_BORDER_DECIBEL = (15.0, 35.0)


def speech_pauses(speech: Speech, fps: float, frames: int) -> NDArray[np.bool_]:
    """(frames,) True where nobody speaks; frame k lasts from k / fps to (k + 1) / fps seconds.

    A sound without any dynamics (all of it loud, or all silent) has no pauses; after its end there is silence.
    """
    level = frame_level(speech, fps, frames)
    covered = min(int(np.ceil(speech.seconds * fps)), frames)
    quiet = np.ones(frames, np.bool_)
    if covered:
        quiet[:covered] = level[:covered] < _border(level[:covered])
    quiet = ~_without_short(~quiet, round(_SHORTEST_SOUND_SECONDS * fps))
    return _without_short(quiet, round(SHORTEST_PAUSE_SECONDS * fps))


def _border(level: NDArray[np.float64]) -> float:
    low, high = np.percentile(level, [5, 95])
    under = np.clip((1 - _BORDER_SHARE) * (high - low), *_BORDER_DECIBEL)
    return float(high - under)


def _without_short(mask: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    kept = np.zeros_like(mask)
    for start, end in runs(mask):
        kept[start:end] = end - start >= least
    return kept
