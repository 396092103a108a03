# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise correction: the leading values of Whisper and the prosody of a noisy sound as the clean one has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import Speech
from ...checkpoint import checkpoint
from ...weights import bundled, file_hash, half_precision, read_tensors, write_tensors
from .encoder import ENCODER_FPS, SpeechEncoder
from .memoised import memoised
from .phonetic import PhoneticEncoder
from .prosody import PROSODY_SIZE

if TYPE_CHECKING:
    from .noise_network import NoiseNetwork

NOISE_FILE = "whisper_noise.safetensors"
# 20 ms frames in one pass, and how many on each side can change a frame
CHUNK_FRAMES = 20 * ENCODER_FPS
CONTEXT_FRAMES = 16


class NoiseCorrection:
    """other: the bundled encoder, which encodes the same sound."""

    def __init__(self, network: NoiseNetwork, other: SpeechEncoder, model_hash: str) -> None:
        self.network = network.eval()
        self.other = other
        self._hash = model_hash

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The bundled weights, or those at ``path``. Raises :class:`ModelError` when they are damaged."""
        import torch

        from .noise_network import NoiseConfig, NoiseNetwork

        path = bundled(NOISE_FILE) if path is None else path
        file = read_tensors(path)
        settings = json.loads(file.metadata["config"])
        network = NoiseNetwork(NoiseConfig(**{**settings, "dilations": tuple(settings["dilations"])}))
        network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in file.tensors.items()})
        return cls(network, memoised(PhoneticEncoder.load()), file_hash(path))

    @property
    def hash(self) -> str:
        """Of the weights and of the other encoder."""
        return hashlib.sha256(f"{self._hash} {self.other.hash}".encode()).hexdigest()

    def corrected(
        self, values: NDArray[np.float32], speech: Speech
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N, W) Whisper's leading values of ``speech`` to those of the clean sound, and its (N, 4) prosody."""
        other = self.other.encode(speech)
        frames = min(len(values), len(other))
        found = self.of_features(np.concatenate([values[:frames], other[:frames]], axis=1))
        return found[:, :-PROSODY_SIZE], found[:, -PROSODY_SIZE:]

    def of_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, size) to (N, W + 4), in pieces with all the context that the network can see."""
        import torch

        pieces = [np.zeros((0, self.network.config.values + PROSODY_SIZE), np.float32)]
        with torch.inference_mode():
            for first in range(0, len(features), CHUNK_FRAMES):
                checkpoint()
                begin = max(first - CONTEXT_FRAMES, 0)
                piece = torch.from_numpy(features[begin : first + CHUNK_FRAMES + CONTEXT_FRAMES])[None]
                pieces.append(self.network(piece)[0, first - begin :][:CHUNK_FRAMES].numpy())
        return np.concatenate(pieces)


def save_noise(network: NoiseNetwork, path: Path, metadata: dict[str, str]) -> None:
    """Write for :meth:`NoiseCorrection.load`, matrices and kernels in half precision."""
    tensors = half_precision(network.state_dict())
    write_tensors(path, tensors, {**metadata, "config": json.dumps(network.config.to_dict())})
