# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a sound is like speech, to choose between the sound tracks of one file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .speech import SAMPLE_RATE, SILENCE_PEAK

_HOP = SAMPLE_RATE // 50
_SPEECH_BAND_HERTZ = (300.0, 3400.0)
# syllables come about four a second; music's beat and a fan's hum lie elsewhere
_SYLLABLE_BAND_HERTZ = (2.0, 8.0)


def speech_likeness(samples: NDArray[np.float32]) -> float:
    """0 for silence, towards 1 for sound whose level rises and falls as syllables do.

    The share of the envelope's modulation that lies between 2 and 8 Hz (Houtgast and Steeneken 1985), times how
    deep the modulation is.
    """
    frames = len(samples) // _HOP
    if frames < 50 or float(np.abs(samples).max(initial=0.0)) < SILENCE_PEAK:
        return 0.0
    windows = samples[: frames * _HOP].reshape(frames, _HOP) * np.hanning(_HOP).astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    hertz = np.fft.rfftfreq(_HOP, 1 / SAMPLE_RATE)
    low, high = _SPEECH_BAND_HERTZ
    envelope = np.sqrt(power[:, (hertz >= low) & (hertz <= high)].sum(axis=1))
    mean = float(envelope.mean())
    if mean <= 0.0:
        return 0.0
    spectrum = np.abs(np.fft.rfft((envelope - mean) * np.hanning(frames))) ** 2
    rate = np.fft.rfftfreq(frames, _HOP / SAMPLE_RATE)
    slow, fast = _SYLLABLE_BAND_HERTZ
    share = spectrum[(rate >= slow) & (rate <= fast)].sum() / max(float(spectrum[rate > 0.25].sum()), 1e-20)
    depth = min(float(envelope.std()) / mean, 1.0)
    return float(share * depth)
