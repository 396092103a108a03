# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech to motion by any network: what AdaMesh's and Mimic's generators share.

The speech encoder, overlapping windows with cross-fades, the lip-closure constraint, and what a model file records of
encoder and basis.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...audio.speech import SAMPLE_RATE, Speech
from ...errors import ModelError
from ...face.basis import FaceBasis, open_basis
from ...face.motion import EXPRESSION_SIZE, INTERNAL_FPS, MOTION_SIZE, Motion
from ...weights import half_precision, write_tensors
from ..speech.encoder import ClosureDetector, SpeechEncoder
from ..speech.registry import HASH_KEY, NAME_KEY
from ..windows import raised_cosine, window_starts
from .lip_closure import close_by_share, closing_share

# frames at 25 fps: of one window, of its context on each side; and how many windows run as one batch
WINDOW_FRAMES = 150
CONTEXT_FRAMES = 25
WINDOWS_PER_BATCH = 8
# frames for which the last sound is held on, out of sight: at an edge a network takes silence for speech cut off
HELD_FRAMES = 5


class MotionNetwork(Protocol):
    """A network that predicts motion from speech features alone, its style already set."""

    def motion(self, features: Tensor) -> Tensor:
        """(B, 2 T, F) features at 50 Hz to (B, T, 53) coefficients and radians at 25 fps."""


class Synthesiser:
    """Base class of the generators: speech to motion in the open basis. One instance serves many requests.

    hash: SHA-256 of the model's file. device: a torch device name.
    """

    def __init__(self, encoder: SpeechEncoder, basis: FaceBasis, model_hash: str, device: str) -> None:
        self._encoder = encoder
        self._device = torch.device(device)
        self.basis = basis
        self.hash = model_hash

    @property
    def encoder(self) -> SpeechEncoder:
        """The speech encoder that the network was trained on."""
        return self._encoder

    @property
    def device(self) -> torch.device:
        """The torch device of network and features."""
        return self._device

    def features(self, speech: Speech) -> Tensor:
        """(2 T, F) encoder features of ceil(seconds * 25) = T frames."""
        frames = max(int(np.ceil(len(speech.samples) * INTERNAL_FPS / SAMPLE_RATE)), 1)
        features = self._encoder.encode(speech)
        features = np.pad(features, ((0, max(2 * frames - len(features), 0)), (0, 0)), mode="edge")[: 2 * frames]
        return torch.from_numpy(features).to(self._device)

    def synthesise(
        self, network: MotionNetwork, features: Tensor, progress: Callable[[float], None] = lambda fraction: None
    ) -> Motion:
        """Motion that ``network`` predicts from (2 T, F) features, with the lip-closure constraint; progress 0..1."""
        return self.as_motion(self.with_closures(run_windows(network, features, progress), features))

    def with_closures(self, values: NDArray[np.float32], features: Tensor) -> NDArray[np.float32]:
        """(T, 53) with the lip-closure constraint, where the encoder can detect closures; else unchanged."""
        return self.with_closures_together(values[None], features[None])[0]

    def with_closures_together(self, values: NDArray[np.float32], features: Tensor) -> NDArray[np.float32]:
        """:meth:`with_closures` of (B, T, 53) lines of one length, from their (B, 2 T, F) features."""
        if not isinstance(self._encoder, ClosureDetector):
            return values
        closed = [self._encoder.closure(line) for line in features.cpu().numpy()]
        share = np.concatenate([closing_share(line, values.shape[1]) for line in closed])
        # what is done to a frame depends on that frame and its share alone
        return close_by_share(values.reshape(-1, MOTION_SIZE), share, self.basis).reshape(values.shape)

    def as_motion(self, values: NDArray[np.float32]) -> Motion:
        """(T, 53) as a motion in the basis, with the head in its rest pose and the gaze straight ahead."""
        return Motion(
            fps=INTERNAL_FPS,
            expression=values[:, :EXPRESSION_SIZE],
            jaw=values[:, EXPRESSION_SIZE:],
            head=np.zeros((len(values), 3), np.float32),
            gaze=np.zeros((len(values), 2, 2), np.float32),
            basis_name=self.basis.name,
            basis_hash=self.basis.hash,
        )


def run_windows(
    network: MotionNetwork, features: Tensor, progress: Callable[[float], None] = lambda fraction: None
) -> NDArray[np.float32]:
    """(2 T, F) features to (T, 53) motion: windows of 6 s, cross-faded over two seconds (overlap-add).

    Memory grows with the output only. A speech that fits into one window is one plain pass.
    """
    spoken = len(features) // 2
    features = held_on(features)
    frames = len(features) // 2
    starts = window_starts(frames, WINDOW_FRAMES, WINDOW_FRAMES - 2 * CONTEXT_FRAMES)
    length = min(WINDOW_FRAMES, frames)
    total = np.zeros((frames, MOTION_SIZE), np.float64)
    weight = np.zeros((frames, 1))
    fade = _fade(length, frames)
    with torch.inference_mode():
        for first in range(0, len(starts), WINDOWS_PER_BATCH):
            chosen = starts[first : first + WINDOWS_PER_BATCH]
            windows = torch.stack([features[2 * s : 2 * (s + length)] for s in chosen])
            for start, motion in zip(chosen, network.motion(windows).cpu().numpy(), strict=True):
                total[start : start + length] += fade * motion
                weight[start : start + length] += fade
            progress(min(first + WINDOWS_PER_BATCH, len(starts)) / len(starts))
    return (total / weight)[:spoken].astype(np.float32)


def held_on(features: Tensor) -> Tensor:
    """(..., 2 T, F) with its last frame for ``HELD_FRAMES`` frames of motion more; nothing stays nothing."""
    last = features[..., -1:, :]
    return torch.cat([features, last.repeat_interleave(2 * HELD_FRAMES, dim=-2)], dim=-2)


def save_model(
    network: nn.Module, config: Mapping[str, Any], path: Path, encoder: SpeechEncoder, metadata: dict[str, str]
) -> None:
    """Write weights with what they depend on: configuration, encoder and basis.

    Matrices and kernels are stored in half precision (half the download, motion changes by under 0.1 %);
    statistics and offsets keep single precision. Loading copies both into the network's own float32.
    """
    dependencies = {
        "config": json.dumps(config),
        NAME_KEY: encoder.name,
        HASH_KEY: encoder.hash,
        "basis": open_basis().name,
        "basis_hash": open_basis().hash,
    }
    write_tensors(path, half_precision(network.state_dict()), {**metadata, **dependencies})


def require_basis(path: Path, recorded: str, present: str) -> None:
    """Raise :class:`ModelError` for a model of another face basis."""
    if recorded != present:
        raise ModelError(
            f"The model {path.name} was trained with face basis {recorded[:8]}, but this version has {present[:8]}.",
            "Install the extension again, or retrain the model.",
        )


def _fade(length: int, frames: int) -> NDArray[np.float64]:
    """(length, 1) weights: raised-cosine slopes over twice the context where windows overlap, never zero."""
    if length == frames:
        return np.ones((length, 1))
    slope = raised_cosine(2 * CONTEXT_FRAMES)
    fade = np.ones(length)
    fade[: len(slope)] = slope
    fade[-len(slope) :] = slope[::-1]
    return fade[:, None]
