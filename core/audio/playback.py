# SPDX-License-Identifier: GPL-3.0-or-later
"""A speech on the clock of whoever plays it: Blender begins some files earlier or later than their timestamps say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .speech import SAMPLE_RATE, Speech

# two recordings of one sound agree far better, two tracks of one film far worse
MIN_AGREEMENT = 0.5
# less is not worth a shift: mouths are keyed to a hundredth of a second
MIN_SHIFT_SECONDS = 0.001
_TOLD_SECONDS = 0.01
# a sound that begins later in its file than this is not looked for
_MAX_LATE_SECONDS = 60.0


def as_played(speech: Speech, playback: Speech, load: Callable[[float], Speech], to_end: bool) -> Speech:
    """The speech shifted to where it lies in ``playback``, a recording of how its beginning is played.

    Sample 0 of both is the same moment. ``load(seconds)`` reads the same range again from so much later in the file.
    to_end: the range goes on to the file's end; else its length is kept.
    Where the two do not agree, because another track is played, the speech stays as it is.
    """
    lag = lag_seconds(playback.samples, speech.samples)
    if lag is None or abs(lag) < MIN_SHIFT_SECONDS:
        return speech
    shifted = load(-lag) if lag < 0 else _later(speech, round(lag * SAMPLE_RATE), to_end)
    if abs(lag) < _TOLD_SECONDS:
        return shifted
    when = "later" if lag > 0 else "earlier"
    name = Path(speech.source).name
    told = f"Blender plays {name} {abs(lag) * 1000:.0f} ms {when} than the file says; the keys follow."
    return replace(shifted, notes=(*shifted.notes, told))


def lag_seconds(playback: NDArray[np.float32], samples: NDArray[np.float32]) -> float | None:
    """By how much a sound is later in ``playback`` than in ``samples``; None where it is not the same sound."""
    samples = samples[: len(playback) + round(_MAX_LATE_SECONDS * SAMPLE_RATE)]
    if len(playback) == 0 or len(samples) == 0:
        return None
    size = 1 << (len(playback) + len(samples)).bit_length()
    product = np.fft.rfft(playback, size) * np.conj(np.fft.rfft(samples, size))
    lag = int(np.fft.irfft(product, size).argmax())
    lag = lag if lag < size // 2 else lag - size
    a, b = playback[max(lag, 0) :], samples[max(-lag, 0) :]
    length = min(len(a), len(b))
    a, b = a[:length], b[:length]
    power = float(np.dot(a, a)) * float(np.dot(b, b))
    # most of what is played must lie in the part that is compared
    if power <= 0.0 or float(np.dot(a, a)) < 0.5 * float(np.dot(playback, playback)):
        return None
    return lag / SAMPLE_RATE if float(np.dot(a, b)) / power**0.5 >= MIN_AGREEMENT else None


def _later(speech: Speech, samples: int, to_end: bool) -> Speech:
    later = np.concatenate([np.zeros(samples, np.float32), speech.samples])
    return replace(speech, samples=later if to_end else later[: len(speech.samples)])
