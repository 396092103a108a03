# SPDX-License-Identifier: GPL-3.0-or-later
"""The log-mel encoder: 80 bands at 100 Hz, made independent of gain and room, two frames stacked to 50 Hz.

Numpy alone: librosa, from which the filter bank's formula is, brings 200 MB and compiles for seconds.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SAMPLE_RATE, Speech
from ...checkpoint import checkpoint

BANDS = 80
HOP = 160
WINDOW = 400
FFT_SIZE = 512
BINS = FFT_SIZE // 2 + 1
LOWEST_HZ, HIGHEST_HZ = 50.0, 7600.0
# what lies this far under the loud parts is treated as silence
DYNAMIC_RANGE_NATS = 8.0
SPEECH_RANGE_NATS = 4.5
SCALE_NATS = 2.0
_CHUNK_FRAMES = 6000
_HZ_PER_MEL = 200.0 / 3
_KNEE_HZ, _KNEE_MEL = 1000.0, 1000.0 / _HZ_PER_MEL
_LOG_STEP = float(np.log(6.4)) / 27.0


class MelEncoder:
    """:class:`SpeechEncoder` on log-mel bands; needs no model file."""

    name = "mel80x2"
    dimension = 2 * BANDS

    @property
    def hash(self) -> str:
        """Fingerprint of the settings."""
        settings = (BANDS, HOP, WINDOW, FFT_SIZE, LOWEST_HZ, HIGHEST_HZ, DYNAMIC_RANGE_NATS, SPEECH_RANGE_NATS)
        return hashlib.sha256(repr((self.name, settings, SCALE_NATS)).encode()).hexdigest()

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, 160) features at 50 Hz."""
        return stack_pairs(normalise(log_mel(power_spectrogram(speech.samples))))


def power_spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 257) power at 100 Hz; frame i is centred on sample 160 i, the ends padded with silence."""
    count = -(-len(samples) // HOP)
    # an even number, so that frames stack in pairs
    count += count % 2
    half = FFT_SIZE // 2
    padded = np.zeros(count * HOP + FFT_SIZE, np.float32)
    padded[half : half + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[: count * HOP : HOP]
    window = _window()
    power = np.empty((count, BINS), np.float32)
    for begin in range(0, count, _CHUNK_FRAMES):
        checkpoint()
        spectrum = np.fft.rfft(frames[begin : begin + _CHUNK_FRAMES] * window, axis=1)
        power[begin : begin + _CHUNK_FRAMES] = spectrum.real**2 + spectrum.imag**2
    return power


def log_mel(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 257) power to (N, 80) natural-log mel energies."""
    return np.log(power @ mel_filters().T + 1e-10)


def normalise(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take out gain and colour: floor under the loud parts, then remove each band's mean over speech frames."""
    loudness = mel.mean(axis=1)
    loud = np.percentile(loudness, 95)
    floored = np.maximum(mel, loud - DYNAMIC_RANGE_NATS)
    speaking = loudness > loud - SPEECH_RANGE_NATS
    return ((floored - floored[speaking].mean(axis=0)) / SCALE_NATS).astype(np.float32)


def stack_pairs(mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2 N, 80) at 100 Hz to (N, 160) at 50 Hz."""
    return mel.reshape(len(mel) // 2, 2 * BANDS)


@functools.lru_cache(maxsize=1)
def mel_filters() -> NDArray[np.float32]:
    """(80, 257) triangular filters of unit area on Slaney's mel scale (Auditory Toolbox, 1998)."""
    bins = np.fft.rfftfreq(FFT_SIZE, 1.0 / SAMPLE_RATE)
    edges = _mel_to_hz(np.linspace(_hz_to_mel(LOWEST_HZ), _hz_to_mel(HIGHEST_HZ), BANDS + 2))
    ramps = np.subtract.outer(edges, bins)
    widths = np.diff(edges)[:, None]
    rising, falling = -ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters


def _hz_to_mel(hertz: float) -> float:
    """Linear below 1 kHz (15 mel), logarithmic above: 27 steps to 6.4 kHz."""
    return hertz / _HZ_PER_MEL if hertz < _KNEE_HZ else _KNEE_MEL + float(np.log(hertz / _KNEE_HZ)) / _LOG_STEP


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel >= _KNEE_MEL, above, _HZ_PER_MEL * mel)


@functools.lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    window = np.zeros(FFT_SIZE, np.float32)
    start = (FFT_SIZE - WINDOW) // 2
    window[start : start + WINDOW] = np.hanning(WINDOW + 1)[:-1]
    return window
