# SPDX-License-Identifier: GPL-3.0-or-later
"""Whisper-base's encoder (Radford et al. 2022) as a speech encoder: its leading values, whether lips shut, prosody.

Of its 512 values a frame only the leading principal components are used: with few speakers a face network overfits
the others. Runs on the processor in 8 bits through ctranslate2, which is imported only here.
"""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SAMPLE_RATE, Speech
from ...checkpoint import checkpoint
from ...errors import EngineSetupError, ModelError
from ...weights import bundled, file_hash, read_tensors
from .encoder import ENCODER_FPS
from .mel import power_spectrogram
from .prosody import PROSODY_SIZE, prosody
from .whisper_files import MODEL_SHA256, WhisperFiles, find_whisper, whisper_folder

if TYPE_CHECKING:
    from .encoder import SpeechEncoder
    from .noise import NoiseCorrection

WHISPER_NAME = "whisper-base"
PROJECTION_FILE = "whisper_projection.safetensors"
CTRANSLATE2 = "ctranslate2>=4.5,<5"
SIZE = 512
# of what 20 ms frames one pass sees, and how much of that on each side is only context
WINDOW_FRAMES = 10 * ENCODER_FPS
CONTEXT_FRAMES = 1 * ENCODER_FPS
# silence that is encoded after a sound: Whisper's last frames say that the sound ends, not what is said
SILENCE_SAMPLES = SAMPLE_RATE // 5
# classes of the read-out, as in articulation.FEATURES
APART, CLOSED, LIP_TEETH = range(3)
# frames on each side that the reader of the lips sees
LIPS_REACH = 2
_MAX_THREADS = 4


@dataclass(frozen=True, slots=True, eq=False)
class WhisperProjection:
    """512 values to few: mean (512,), components (512, W), and a small reader of the lips from five frames of them.

    inner (5 W, H), inner_offset (H,), outer (H, 3), outer_offset (3,): the reader. filters: (80, 257) Whisper's mel
    bands on this package's spectrogram.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    inner: NDArray[np.float32]
    inner_offset: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_offset: NDArray[np.float32]
    filters: NDArray[np.float32]
    hash: str

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The bundled file, or ``path``."""
        path = bundled(PROJECTION_FILE) if path is None else path
        tensors = {name: value.astype(np.float32) for name, value in read_tensors(path).tensors.items()}
        try:
            return cls(**tensors, hash=file_hash(path))
        except TypeError as error:
            raise ModelError(f"{path.name} is no projection of Whisper's values ({error}).") from error

    @property
    def width(self) -> int:
        """How many leading values."""
        return self.components.shape[1]

    @property
    def dimension(self) -> int:
        """Values and the three classes of the lips."""
        return self.width + len(self.outer_offset)

    def leading(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., 512) to (..., W)."""
        return (values - self.mean) @ self.components

    def with_lips(self, leading: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, W) to (N, dimension): the values, then the probabilities of lips apart, closed, lip to teeth."""
        stacked = around(leading)
        logits = np.maximum(stacked @ self.inner + self.inner_offset, 0.0) @ self.outer + self.outer_offset
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return np.concatenate([leading, shares], axis=1).astype(np.float32)


def around(values: NDArray[np.float32], reach: int = LIPS_REACH) -> NDArray[np.float32]:
    """(N, W) to (N, (2 reach + 1) W): every frame with its neighbours, the ends held."""
    padded = (
        np.pad(values, ((reach, reach), (0, 0)), mode="edge")
        if len(values)
        else np.zeros((2 * reach, values.shape[1]))
    )
    return np.concatenate([padded[k : k + len(values)] for k in range(2 * reach + 1)], axis=1).astype(np.float32)


class WhisperNetwork:
    """The encoder alone: mel to 512 values a frame."""

    def __init__(self, files: WhisperFiles, threads: int | None = None) -> None:
        try:
            import ctranslate2
        except ImportError as error:
            raise EngineSetupError(
                f"The speech encoder whisper needs the package ctranslate2, which {sys.executable} cannot load.",
                f"Run Set Up Engine with Whisper, or install it there: {sys.executable} -m pip install {CTRANSLATE2}",
            ) from error
        self._package: Any = ctranslate2
        self._model: Any = ctranslate2.models.Whisper(
            str(files.folder),
            device="cpu",
            compute_type="int8",
            intra_threads=threads or min(os.cpu_count() or 1, _MAX_THREADS),
            files=files.read(),
        )

    def values(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, 2 N, 80) Whisper's log-mel to (B, N, 512)."""
        given = np.ascontiguousarray(mel.transpose(0, 2, 1), np.float32)
        out = self._model.encode(self._package.StorageView.from_array(given))
        return np.array(out, np.float32)


class WhisperEncoder:
    """:class:`~core.models.speech.encoder.SpeechEncoder`: projected values, lips, then prosody.

    noise: what corrects values and prosody to those of the clean sound; None: they stay as they are.
    """

    name = WHISPER_NAME

    def __init__(
        self, network: WhisperNetwork, projection: WhisperProjection, noise: NoiseCorrection | None = None
    ) -> None:
        self._network = network
        self.projection = projection
        self.noise = noise

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """From a folder, or wherever it is found. Raises :class:`ModelError` where it is not, or is another model."""
        files = find_whisper() if path is None else whisper_folder(path)
        if files is None:
            place = "in this Python" if path is None else f"in {path}"
            raise ModelError(
                f"There is no Whisper-base {place}.",
                "Run Set Up Engine with Whisper, or choose the bundled speech encoder.",
            )
        from .noise import NoiseCorrection

        return cls(WhisperNetwork(files), WhisperProjection.load(), NoiseCorrection.load())

    @property
    def dimension(self) -> int:
        """Features per frame, prosody included."""
        return self.projection.dimension + PROSODY_SIZE

    @property
    def hash(self) -> str:
        """Of the weights, the projection and the correction."""
        correction = f" {self.noise.hash}" if self.noise else ""
        return hashlib.sha256(f"{MODEL_SHA256} {self.projection.hash}{correction}".encode()).hexdigest()

    @property
    def companion(self) -> SpeechEncoder | None:
        """The encoder whose features the correction takes as well."""
        return self.noise.other if self.noise else None

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) probability of shut lips (m, b, p), from :meth:`encode`'s (N, dimension)."""
        closed: NDArray[np.float32] = features[:, self.projection.width + CLOSED]
        return closed

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, dimension), N = ceil(seconds * 50); memory grows with the output only."""
        mel = whisper_mel(power_spectrogram(_then_silence(speech.samples)), self.projection.filters)
        values = self.projection.leading(in_windows(self._network, mel))
        if self.noise:
            values, sounds = self.noise.corrected(values, speech)
        else:
            sounds = prosody(speech.samples)
        frames = min(len(values), len(sounds))
        return np.concatenate([self.projection.with_lips(values[:frames]), sounds[:frames]], axis=1)


def _then_silence(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound and the silence after it, of which there is less where it would take a window more."""
    room = WINDOW_FRAMES * SAMPLE_RATE // ENCODER_FPS - len(samples)
    silence = min(SILENCE_SAMPLES, room) if room >= 0 else SILENCE_SAMPLES
    return np.pad(samples, (0, silence if len(samples) else 0))


def whisper_mel(power: NDArray[np.float32], filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2 N, 257) power to (2 N, 80) Whisper's log-mel (its ``log_mel_spectrogram``), eight decades deep at most."""
    if len(power) == 0:
        return np.zeros((0, len(filters)), np.float32)
    level = np.log10(np.maximum(power @ filters.T, 1e-10))
    return ((np.maximum(level, level.max() - 8.0) + 4.0) / 4.0).astype(np.float32)


def in_windows(network: WhisperNetwork, mel: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2 N, 80) to (N, 512): windows of 10 s that share two, of which each keeps its half."""
    total = len(mel) // 2
    if total <= WINDOW_FRAMES:
        return network.values(mel[None])[0] if total else np.zeros((0, SIZE), np.float32)
    kept = WINDOW_FRAMES - 2 * CONTEXT_FRAMES
    pieces = []
    for first in range(0, total, kept):
        checkpoint()
        begin = min(max(first - CONTEXT_FRAMES, 0), total - WINDOW_FRAMES)
        values = network.values(mel[None, 2 * begin : 2 * (begin + WINDOW_FRAMES)])[0]
        pieces.append(values[first - begin : min(first + kept, total) - begin])
    return np.concatenate(pieces)
