# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech encoders as training uses them: features of spectrograms that were made to sound like other voices."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.audio.speech import Speech
from core.errors import SettingsError
from core.models.speech.encoder import SpeechEncoder
from core.models.speech.hubert import HubertEncoder
from core.models.speech.noise import NoiseCorrection
from core.models.speech.phonetic import PhoneticEncoder
from core.models.speech.prosody import PROSODY_SIZE
from core.models.speech.whisper import (
    WINDOW_FRAMES,
    WhisperEncoder,
    WhisperNetwork,
    WhisperProjection,
    in_windows,
    whisper_mel,
)
from research.corpus.augment import mel_features

BUNDLED, WHISPER = "bundled", "whisper"
ENCODERS = (BUNDLED, WHISPER)


class Extractor(Protocol):
    """An encoder and its way from power spectrograms to features, of which the last four are the clip's prosody."""

    @property
    def encoder(self) -> SpeechEncoder:
        """What is used when the network speaks, and what its file records."""

    @property
    def cache_hash(self) -> str:
        """Of everything that :meth:`extract` depends on."""

    def extract(self, power: Tensor) -> NDArray[np.float16]:
        """(V, 4 T, 257) power at 100 Hz to (V, 2 T, D): what is worth keeping in a cache."""

    def to_features(self, extracted: NDArray[np.float16]) -> NDArray[np.float16]:
        """The cached values to (V, 2 T, dimension - 4)."""


@dataclass(frozen=True, slots=True)
class PhoneticExtractor:
    """The bundled encoders."""

    encoder: PhoneticEncoder

    @property
    def cache_hash(self) -> str:
        return self.encoder.hash

    def extract(self, power: Tensor) -> NDArray[np.float16]:
        network = self.encoder.network
        with torch.inference_mode():
            mel = mel_features(power.to(next(network.parameters()).device))
            features: NDArray[np.float16] = network(mel).features.half().cpu().numpy()
        return features

    def to_features(self, extracted: NDArray[np.float16]) -> NDArray[np.float16]:
        return extracted


@dataclass(frozen=True, slots=True, eq=False)
class WhisperExtractor:
    """Whisper's encoder. ``wide`` has the components that are cached, ``encoder`` what is used of them.

    Every voice of a short clip is heard at another place of the encoder's window: what it says depends on that.
    What corrects noise is not part of it: faces learn from what was heard as it is.
    """

    encoder: WhisperEncoder
    network: WhisperNetwork
    wide: WhisperProjection
    cache_hash: str = field(default="")

    def extract(self, power: Tensor) -> NDArray[np.float16]:
        heard = [self._heard(item, voice) for voice, item in enumerate(power.numpy())]
        return self.wide.leading(np.stack(heard)).astype(np.float16)

    def _heard(self, power: NDArray[np.float32], voice: int) -> NDArray[np.float32]:
        """(4 T, 257) to (2 T, 512): said as often as a window holds, of which one time is taken."""
        frames = len(power) // 2
        times = max(WINDOW_FRAMES // frames, 1)
        values = in_windows(self.network, whisper_mel(np.tile(power, (times, 1)), self.wide.filters))
        first = frames * (voice % times)
        return values[first : first + frames]

    def to_features(self, extracted: NDArray[np.float16]) -> NDArray[np.float16]:
        projection = self.encoder.projection
        leading = extracted[:, :, : projection.width].astype(np.float32)
        return np.stack([projection.with_lips(voice) for voice in leading]).astype(np.float16)


@dataclass(frozen=True, slots=True, eq=False)
class FolderExtractor:
    """A HuBERT, wav2vec 2.0 or WavLM of the user's: hears samples, so that a clip has its own voice alone."""

    encoder: HubertEncoder

    @property
    def cache_hash(self) -> str:
        return self.encoder.hash

    def extract(self, power: Tensor) -> NDArray[np.float16]:
        raise NotImplementedError(f"{self.encoder.name} hears samples, not spectrograms")

    def extract_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float16]:
        """(N,) samples to (1, 2 T, D)."""
        return self.encoder.encode(Speech(samples, "a clip"))[None].astype(np.float16)

    def to_features(self, extracted: NDArray[np.float16]) -> NDArray[np.float16]:
        return extracted


def prosody_place(encoder: SpeechEncoder) -> slice:
    """Where loudness, pitch and voicing are in a frame of any of our encoders; nowhere in a user's own."""
    if isinstance(encoder, HubertEncoder):
        return slice(0, 0)
    return slice(encoder.dimension - PROSODY_SIZE, encoder.dimension)


def open_extractor(name: str, width: int | None = None, layer: int | None = None) -> Extractor:
    """``bundled``, ``whisper``, or a folder with HuBERT, wav2vec 2.0 or WavLM.

    width: other than the shipped one, of Whisper's leading values. layer: of a folder's model. Raises
    :class:`ModelError` where Whisper's weights are not here, or the folder is none of these.
    """
    if name == BUNDLED:
        return PhoneticExtractor(PhoneticEncoder.load())
    if name != WHISPER and Path(name).is_dir():
        return FolderExtractor(HubertEncoder.load(Path(name), layer))
    if name != WHISPER:
        raise SettingsError(
            f"There is no speech encoder {name}.", f"Choose one of {', '.join(ENCODERS)}, or a model's folder."
        )
    from research.training.whisper_projection import network, wide_projection
    from research.training.whisper_reader import width_projection

    wide = wide_projection()
    if width is None:
        encoder = WhisperEncoder(network(), WhisperProjection.load(), NoiseCorrection.load())
    else:
        encoder = WhisperEncoder(network(), width_projection(width))
    return WhisperExtractor(encoder, network(), wide, wide.hash)
