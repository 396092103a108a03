# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the bundled expression network and generates motion from speech, in the mean speaker's style."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ...audio.speech import Speech
from ...face.basis import FaceBasis, open_basis
from ...face.motion import Motion
from ...weights import bundled, file_hash, read_tensors
from ..nn.synthesiser import Synthesiser, require_basis, save_model
from ..nn.tensor_names import state_of
from ..speech.encoder import SpeechEncoder
from ..speech.registry import encoder_of_model
from .network import ExpressionNetwork, NetworkConfig

EXPRESSION_FILE = "adamesh_base.safetensors"


class ExpressionGenerator(Synthesiser):
    """The trained base network with its encoder and basis; one instance serves many requests."""

    def __init__(
        self, network: ExpressionNetwork, encoder: SpeechEncoder, basis: FaceBasis, model_hash: str, device: str
    ) -> None:
        super().__init__(encoder, basis, model_hash, device)
        self._network = network.to(device).eval()

    @classmethod
    def load(
        cls,
        device: str = "cpu",
        path: Path | None = None,
        encoder_path: Path | None = None,
        encoder: SpeechEncoder | None = None,
    ) -> ExpressionGenerator:
        """Load the bundled weights (or ``path``). Raises :class:`ModelError` when they do not fit.

        device: as torch names it. encoder_path: the folder of the local speech model that other weights than the
        bundled were trained on. encoder: an open one, used where the weights were trained on it.
        """
        path = bundled(EXPRESSION_FILE) if path is None else path
        file = read_tensors(path)
        speech_encoder, basis = encoder_of_model(file.metadata, encoder_path, device, encoder), open_basis()
        require_basis(path, file.metadata["basis_hash"], basis.hash)
        network = ExpressionNetwork(NetworkConfig(**json.loads(file.metadata["config"])))
        network.load_state_dict(state_of(file.tensors))
        return cls(network, speech_encoder, basis, file_hash(path), device)

    @property
    def network(self) -> ExpressionNetwork:
        """The frozen base; adapters wrap its layers and leave its weights alone."""
        return self._network

    def generate(self, speech: Speech, progress: Callable[[float], None] = lambda fraction: None) -> Motion:
        """The mean speaker's motion, ceil(seconds * 25) frames from the speech's first sample; no head, no gaze."""
        return self.synthesise(self._network, self.features(speech), progress)


def save_network(network: ExpressionNetwork, path: Path, encoder: SpeechEncoder, metadata: dict[str, str]) -> None:
    """Write the weights with what they depend on; see :func:`~core.models.nn.synthesiser.save_model`."""
    save_model(network, network.config.to_dict(), path, encoder, metadata)
