# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's inference: a style code from tracked motion in one pass, and motion from speech and a code."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...audio.speech import SAMPLE_RATE, Speech
from ...errors import ModelError, ReferenceClipError
from ...face.basis import FaceBasis, open_basis
from ...face.motion import INTERNAL_FPS, MOTION_SIZE, Motion
from ...face.rotations import FloatArray
from ...face.statistics import shrinkage
from ...grouping import map_alike
from ...weights import bundled, file_hash, read_tensors
from ..nn.synthesiser import (
    HELD_FRAMES,
    WINDOW_FRAMES,
    Synthesiser,
    held_on,
    require_basis,
    run_windows,
    save_model,
)
from ..nn.tensor_names import state_of
from ..speech.encoder import SpeechEncoder
from ..speech.registry import encoder_of_model
from .codes import at_strength
from .config import PARALLEL, MimicConfig
from .network import MimicNetwork
from .space import landmark_space

MIMIC_FILE = "mimic.safetensors"
SHORTEST_SECONDS = 1.0
# a long reference is encoded in windows of at most this many frames, as in training, and the codes averaged
CODE_WINDOW_FRAMES = 150
# shrinkage of the code towards the mean code is a half for a reference of this length
SHRINKAGE_HALF_SECONDS = 3.0
# speeches in one pass
MOST_TOGETHER = 32


class MimicGenerator(Synthesiser):
    """The trained network with its encoder and basis; one instance serves many requests."""

    def __init__(
        self, network: MimicNetwork, encoder: SpeechEncoder, basis: FaceBasis, model_hash: str, device: str
    ) -> None:
        super().__init__(encoder, basis, model_hash, device)
        self._network = network.to(device).eval()

    @classmethod
    def load(cls, device: str = "cpu", path: Path | None = None, encoder: SpeechEncoder | None = None) -> Self:
        """The bundled weights, or those at ``path``. Raises :class:`ModelError` where they are missing or unfit.

        device: as torch names it. encoder: an open one, used where the weights were trained on it.
        """
        path = bundled(MIMIC_FILE) if path is None else path
        file = read_tensors(path)
        basis = open_basis()
        try:
            config = MimicConfig.from_dict(json.loads(file.metadata["config"]))
            _require_parallel(path, config)
            trained_with = file.metadata["basis_hash"]
            network = MimicNetwork(config, landmark_space(basis))
            network.load_state_dict(state_of(file.tensors))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"{path.name} is not a Mimic model ({error}).", "Install the extension again.") from error
        require_basis(path, trained_with, basis.hash)
        speech_encoder = encoder_of_model(file.metadata, None, device, encoder)
        return cls(network, speech_encoder, basis, file_hash(path), device)

    @property
    def network(self) -> MimicNetwork:
        """In evaluation mode; not to be changed."""
        return self._network

    @property
    def mean_code(self) -> NDArray[np.float32]:
        """(128,) the mean speaker's code."""
        return self._network.mean_code.cpu().numpy().copy()

    def style_code(self, motion: Motion, speech: Speech | None = None) -> NDArray[np.float32]:
        """(128,) style code of a tracked reference: the mean over windows of up to six seconds, then shrunk.

        Shrinkage towards the mean code by seconds / (seconds + 3), since a short reference is partly chance.
        speech: the reference's own sound from its first frame on, or None; with it the motion's statistics are taken
        relative to the mean speaker's motion for the same speech, else to the population's.
        Raises :class:`ReferenceClipError` under one second, :class:`ModelError` for motion of another basis.
        """
        motion.require_basis(self.basis.hash)
        if motion.seconds < SHORTEST_SECONDS:
            raise ReferenceClipError(
                f"The reference shows {motion.seconds:.1f} s of a face, too little to see how somebody talks.",
                "Choose a clip with at least one second, better ten.",
            )
        values = torch.from_numpy(motion.face_vector().astype(np.float32)).to(self._device)
        neutral = self._neutral_motion(speech)
        if len(neutral):
            values = values[: len(neutral)]
        edges = np.linspace(0, len(values), -(-len(values) // CODE_WINDOW_FRAMES) + 1).round().astype(int)
        with torch.inference_mode():
            codes = [self._piece_code(values[a:b], neutral[a:b]) for a, b in itertools.pairwise(edges)]
            read: NDArray[np.float32] = torch.stack(codes).mean(dim=0).cpu().numpy()
        seconds = len(values) / INTERNAL_FPS
        return at_strength(self.mean_code, read, shrinkage(seconds, SHRINKAGE_HALF_SECONDS))

    def _piece_code(self, values: Tensor, neutral: Tensor) -> Tensor:
        """(128,) of (T, 53) motion; neutral: the mean speaker's (T, 53) for the same speech, or empty."""
        expected = self._network.statistics(neutral[None]) if len(neutral) else None
        return self._network.style(values[None], expected)[0]

    def _neutral_motion(self, speech: Speech | None) -> Tensor:
        """(T, 53) the mean speaker's motion for the speech; empty under one second of it."""
        if speech is None or len(speech.samples) < SHORTEST_SECONDS * SAMPLE_RATE:
            return torch.zeros(0, MOTION_SIZE)
        network = _ConditionedNetwork(self._network, self._network.mean_code)
        return torch.from_numpy(run_windows(network, self.features(speech))).to(self._device)

    def generate(
        self,
        speech: Speech,
        code: NDArray[np.float32] | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Motion:
        """Motion of ceil(seconds * 25) frames from the speech's first sample on, without head and gaze.

        code: (128,), or None for the mean speaker's. The lip-closure constraint is applied.
        """
        return self.in_style(self.features(speech), code, progress)

    def in_style(
        self,
        features: Tensor,
        code: NDArray[np.float32] | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Motion:
        """:meth:`generate` from :meth:`features`, for one speech in several styles."""
        return self.synthesise(_ConditionedNetwork(self._network, self._code(code)), features, progress)

    def generate_together(
        self, speeches: Sequence[Speech], codes: Sequence[NDArray[np.float32] | None]
    ) -> list[list[Motion]]:
        """:meth:`generate` of each speech in each code: for every speech its motions in the order of the codes.

        Speeches that fit into one window run together with those of their length, and their content is read once.
        """
        lines = [self.features(speech) for speech in speeches]
        return map_alike(lines, len, MOST_TOGETHER, lambda alike: self._generated(alike, codes))

    def _generated(self, lines: Sequence[Tensor], codes: Sequence[NDArray[np.float32] | None]) -> list[list[Motion]]:
        if len(lines[0]) > 2 * (WINDOW_FRAMES - HELD_FRAMES):
            return [[self.in_style(features, code) for code in codes] for features in lines]
        features = torch.stack(list(lines))
        with torch.inference_mode():
            content = self._network.speech_content(held_on(features))
            held = [self._network.decoded(content, self._code(code)) for code in codes]
            made = [values[:, : features.shape[1] // 2].cpu().numpy() for values in held]
        closed = [self.with_closures_together(values, features) for values in made]
        return [[self.as_motion(values[line]) for values in closed] for line in range(len(lines))]

    def _code(self, code: FloatArray | None) -> Tensor:
        if code is None:
            return self._network.mean_code
        if np.shape(code) != (self._network.config.code_size,):
            raise ValueError(f"a style code has shape ({self._network.config.code_size},), got {np.shape(code)}")
        return torch.from_numpy(np.asarray(code, np.float32)).to(self._device)


@dataclass(frozen=True, slots=True, eq=False)
class _ConditionedNetwork:
    """The network with a fixed style code, for :meth:`Synthesiser.synthesise`."""

    network: MimicNetwork
    code: Tensor

    def motion(self, features: Tensor) -> Tensor:
        return self.network.motion(features, self.code[None].expand(len(features), -1))


def _require_parallel(path: Path, config: MimicConfig) -> None:
    if config.decoder != PARALLEL:
        raise ModelError(
            f"The weights {path.name} have an {config.decoder} decoder, which only Mimesh's research code runs.",
            f"Choose weights with a {PARALLEL} decoder.",
        )


def save_mimic(network: MimicNetwork, path: Path, encoder: SpeechEncoder, metadata: dict[str, str]) -> None:
    """Write the weights with what they depend on; see :func:`~core.models.nn.synthesiser.save_model`."""
    save_model(network, network.config.to_dict(), path, encoder, metadata)
