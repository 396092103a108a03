# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Whisper's 512 values a frame matter: principal components over the open speech here.

LibriSpeech, LJSpeech, VCTK and a quarter of GRID's training sentences, each recording's frames alike.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import ModelError
from core.models.speech.mel import BANDS, FFT_SIZE, power_spectrogram
from core.models.speech.whisper import (
    SIZE,
    WhisperNetwork,
    WhisperProjection,
    in_windows,
    whisper_mel,
)
from core.models.speech.whisper_files import find_whisper
from core.weights import file_hash
from research.corpus.speech import Utterance, aligned_utterances
from research.paths import BUILD, DATA_ROOT

CACHE_ROOT = BUILD / "whisper"
# more components than ship: the protocol finds how many serve
LEADING = 128
SHIPPED_WIDTH = 64
READER_HIDDEN = 64
READER_STEPS = 1500
GRID_EVERY = 4


@functools.cache
def network() -> WhisperNetwork:
    """Whisper-base on one core. Raises :class:`ModelError` where its weights are not here."""
    files = find_whisper()
    if files is None:
        raise ModelError("There is no Whisper-base here.", "Name its folder in MIMESH_WHISPER.")
    return WhisperNetwork(files, threads=1)


@functools.cache
def filters() -> NDArray[np.float32]:
    """(80, 257) Whisper's own bands (librosa's of unit area up to 8 kHz), scaled to a longer transform's more bins."""
    import librosa

    bands: NDArray[np.float32] = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_SIZE, n_mels=BANDS)
    return bands * np.float32(400 / FFT_SIZE)


def values_of(speech: Speech) -> NDArray[np.float32]:
    """(N, 512) of a recording."""
    return in_windows(network(), whisper_mel(power_spectrogram(speech.samples), filters()))


def open_speech(data: Path) -> list[Utterance]:
    """What the components are fitted on: every recording, of GRID's thousand one in four."""
    found = aligned_utterances(data)
    grid = [item for item in found if item.corpus == "grid"]
    return [item for item in found if item.corpus != "grid"] + grid[::GRID_EVERY]


def _second_moments(data: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    total, square, count = np.zeros(SIZE), np.zeros((SIZE, SIZE)), 0
    for utterance in open_speech(data):
        values = values_of(utterance.load()).astype(np.float64)
        total += values.sum(axis=0)
        square += values.T @ values
        count += len(values)
    return total, square, count


def components(data: Path) -> WhisperProjection:
    """Mean and ``LEADING`` components, in units in which the first ``SHIPPED_WIDTH`` have variance 1 on the mean.

    Cached under build/whisper. The reader of the lips is empty.
    """
    path = CACHE_ROOT / "components.npz"
    if not path.is_file():
        total, square, count = _second_moments(data)
        mean = total / count
        covariance = square / count - np.outer(mean, mean)
        size, directions = np.linalg.eigh(covariance)
        size, directions = size[::-1], directions[:, ::-1]
        scale = 1.0 / np.sqrt(size[:SHIPPED_WIDTH].mean())
        share = size[:SHIPPED_WIDTH].sum() / size.sum()
        print(f"{count} frames; {SHIPPED_WIDTH} of {SIZE} components hold {share:.2f} of the variance", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, mean=mean, components=directions[:, :LEADING] * scale)
    with np.load(path) as stored:
        mean, leading = stored["mean"].astype(np.float32), stored["components"].astype(np.float32)
    none = np.zeros((0, 0), np.float32)
    return WhisperProjection(mean, leading, none, none, none, none, filters(), "")


def wide_projection() -> WhisperProjection:
    """All ``LEADING`` components, for caches. Raises :class:`ModelError` where they were not fitted yet."""
    path = CACHE_ROOT / "components.npz"
    if not path.is_file():
        raise ModelError("Whisper's components have not been fitted here.", "Run python -m research.training whisper.")
    return replace(components(DATA_ROOT), hash=f"components {file_hash(path)}")
