# SPDX-License-Identifier: GPL-3.0-or-later
"""The log-mel encoder: 80 bands at 100 Hz, made independent of gain and room, two frames stacked to 50 Hz.

The spectrogram is numpy's FFT: librosa's own compiles for seconds on its first call. The filter bank is librosa's.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SAMPLE_RATE, Speech

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
    """(80, 257) librosa's triangular filters of unit area."""
    import librosa

    filters: NDArray[np.float32] = librosa.filters.mel(
        sr=SAMPLE_RATE, n_fft=FFT_SIZE, n_mels=BANDS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ
    )
    return filters


@functools.lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    window = np.zeros(FFT_SIZE, np.float32)
    start = (FFT_SIZE - WINDOW) // 2
    window[start : start + WINDOW] = np.hanning(WINDOW + 1)[:-1]
    return window
