# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled speech encoder: what a large encoder would say and how sounds are made, 50 frames a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import Speech
from ...checkpoint import checkpoint
from ...grouping import map_alike
from ...weights import bundled, file_hash, half_precision, read_tensors, write_tensors
from .encoder import ENCODER_FPS
from .mel import log_mel, normalise, power_spectrogram
from .prosody import HOP, PROSODY_SIZE, prosody

if TYPE_CHECKING:
    from .phonetic_network import PhoneticNetwork

PHONETIC_FILE = "phonetic_encoder.safetensors"
# 20 ms frames in one pass; neighbours share the network's context
CHUNK_FRAMES = 20 * ENCODER_FPS
# speeches in one pass
MOST_TOGETHER = 32


class PhoneticEncoder:
    """:class:`SpeechEncoder`: leading values and articulation probabilities, then loudness, pitch and voicing.

    The last ``PROSODY_SIZE`` values of a frame are :func:`core.models.speech.prosody.prosody`.
    """

    name = "phonetic"
    ends_with_prosody = True

    def __init__(self, network: PhoneticNetwork, model_hash: str, device: str = "cpu") -> None:
        self.network = network.to(device).eval()
        self._device = device
        self._hash = model_hash

    @classmethod
    def load(cls, device: str = "cpu", path: Path | None = None) -> Self:
        """The bundled weights, or those at ``path``. Raises :class:`ModelError` when they are damaged."""
        import torch

        from .phonetic_network import PhoneticConfig, PhoneticNetwork

        path = bundled(PHONETIC_FILE) if path is None else path
        file = read_tensors(path)
        settings = json.loads(file.metadata["config"])
        config = PhoneticConfig(**{**settings, "dilations": tuple(settings["dilations"])})
        network = PhoneticNetwork(config)
        network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in file.tensors.items()})
        return cls(network, file_hash(path), device)

    @property
    def dimension(self) -> int:
        """Features per frame, prosody included."""
        return self.network.config.dimension + PROSODY_SIZE

    @property
    def hash(self) -> str:
        """Of the weights file."""
        return self._hash

    def closure(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) probability of shut lips (m, b, p), from :meth:`encode`'s (N, dimension)."""
        return closure_probability(features, self.network.config.leading)

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, dimension), N = ceil(seconds * 50)."""
        return self.encode_together([speech])[0]

    def encode_together(self, speeches: Sequence[Speech]) -> list[NDArray[np.float32]]:
        """:meth:`encode` for each, those of one number of 20 ms frames in one pass."""
        return map_alike(speeches, lambda speech: -(-len(speech.samples) // HOP), MOST_TOGETHER, self._encoded)

    def _encoded(self, speeches: Sequence[Speech]) -> list[NDArray[np.float32]]:
        import torch

        mels = np.stack([normalise(log_mel(power_spectrogram(speech.samples))) for speech in speeches])
        with torch.inference_mode():
            features = phonetic_features(self.network, torch.from_numpy(mels).to(self._device)).cpu().numpy()
        sounds = [prosody(speech.samples) for speech in speeches]
        # both count ceil(len / 320) frames
        return [np.concatenate(both, axis=1) for both in zip(features, sounds, strict=True)]


def closure_probability(features: NDArray[np.float32], leading: int) -> NDArray[np.float32]:
    """(N,) probability of shut lips, read from (N, dimension) features."""
    from .articulation import FEATURES

    place = leading
    for feature in FEATURES:
        if feature.name == "lips":
            closed: NDArray[np.float32] = features[:, place + feature.classes.index("closed")]
            return closed
        place += len(feature.classes)
    raise ValueError("no articulation feature is called lips")


def phonetic_features(network: PhoneticNetwork, mel: Any) -> Any:
    """(B, 2 N, 80) mel tensor to (B, N, features): pieces of 20 s with all the context that the network can see."""
    import torch

    context, total = network.config.context_frames, mel.shape[1] // 2
    pieces = []
    for first in range(0, total, CHUNK_FRAMES):
        checkpoint()
        begin, end = max(first - context, 0), min(first + CHUNK_FRAMES + context, total)
        piece = network(mel[:, 2 * begin : 2 * end]).features
        pieces.append(piece[:, first - begin : first - begin + min(CHUNK_FRAMES, total - first)])
    return torch.cat(pieces, dim=1) if pieces else mel.new_zeros(len(mel), 0, network.config.dimension)


def save_phonetic(network: PhoneticNetwork, path: Path, metadata: dict[str, str]) -> None:
    """Write the weights, matrices and kernels in half precision."""
    tensors = half_precision(network.state_dict())
    write_tensors(path, tensors, {**metadata, "config": json.dumps(network.config.to_dict())})
