# SPDX-License-Identifier: GPL-3.0-or-later
"""What a local HuBERT, wav2vec 2.0 or WavLM folder says of itself, and why it may be refused. No torch needed.

The folder is what ``save_pretrained`` of the transformers package writes: ``config.json``, ``*.safetensors`` and
usually ``preprocessor_config.json``. Pickled weights are refused, since loading them can run any code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...audio.speech import SAMPLE_RATE
from ...errors import ModelError, SettingsError
from ...weights import file_hash
from .encoder import ENCODER_FPS

MODEL_TYPES = ("hubert", "wav2vec2", "wavlm")
HOP = SAMPLE_RATE // ENCODER_FPS
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
# what all three kinds have where their configuration says nothing
_KERNELS = (10, 3, 3, 3, 3, 2, 2)
_STRIDES = (5, 2, 2, 2, 2, 2, 2)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that fits.

    layer: 1 .. layers, the one whose output is used. reach: samples that one frame sees of the sound. normalise:
    whether the model expects sound of zero mean and unit variance.
    """

    path: Path
    model_type: str
    layers: int
    layer: int
    dimension: int
    reach: int
    normalise: bool
    weights: tuple[Path, ...]

    def fingerprint(self) -> str:
        """SHA-256 of everything the features depend on; not of where the folder lies or what it is called."""
        digest = hashlib.sha256(repr((self.layer, self.normalise)).encode())
        digest.update(json.dumps(_json(self.path / "config.json"), sort_keys=True).encode())
        for weights in self.weights:
            digest.update(file_hash(weights).encode())
        return digest.hexdigest()


def read_folder(path: Path, layer: int | None) -> ModelFolder:
    """Check the folder and choose the layer (None: the last).

    Raises :class:`ModelError` naming what is wrong, :class:`SettingsError` for a layer that the model lacks.
    """
    if not path.is_dir():
        raise ModelError(
            f"The speech model's folder {path} does not exist.", "Choose the folder with its config.json."
        )
    if not (path / "config.json").is_file():
        raise ModelError(
            f"The folder {path} has no config.json.",
            "Choose the folder of a HuBERT, wav2vec2 or WavLM model, as save_pretrained writes it.",
        )
    config = _json(path / "config.json")
    model_type = config.get("model_type")
    if model_type not in MODEL_TYPES:
        raise ModelError(
            f"The model in {path} is of the type {model_type}, which is no speech encoder that Mimesh knows.",
            f"Choose a model of the type {', '.join(MODEL_TYPES[:-1])} or {MODEL_TYPES[-1]}.",
        )
    weights = _weights(path)
    try:
        return _folder(path, config, weights, layer)
    except (TypeError, ValueError) as error:
        raise ModelError(f"The file {path / 'config.json'} is damaged ({error}).", "Fetch the model again.") from error


def _folder(path: Path, config: dict[str, Any], weights: tuple[Path, ...], layer: int | None) -> ModelFolder:
    layers = int(config.get("num_hidden_layers", 12))
    kernels, strides = config.get("conv_kernel", _KERNELS), config.get("conv_stride", _STRIDES)
    reach, hop = _front_end(kernels, strides)
    preprocessor = _json(path / "preprocessor_config.json") if (path / "preprocessor_config.json").is_file() else {}
    rate = int(preprocessor.get("sampling_rate", SAMPLE_RATE))
    if rate != SAMPLE_RATE or hop != HOP:
        raise ModelError(
            f"The model in {path} gives a frame every {hop} samples at {rate} Hz; 320 samples at 16000 Hz are needed.",
            "Choose a model with 50 frames a second.",
        )
    return ModelFolder(
        path=path,
        model_type=str(config["model_type"]),
        layers=layers,
        layer=_layer(path, layer, layers),
        dimension=int(config.get("hidden_size", 768)),
        reach=reach,
        normalise=bool(preprocessor.get("do_normalize", True)),
        weights=weights,
    )


def _layer(path: Path, layer: int | None, layers: int) -> int:
    chosen = layers if layer is None else layer
    if not 1 <= chosen <= layers:
        raise SettingsError(
            f"The model in {path} has no layer {chosen}.", f"Choose a layer from 1 to {layers}, or none for the last."
        )
    return chosen


def _front_end(kernels: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """Samples that a stack of convolutions without padding sees for one frame, and samples between frames."""
    reach, hop = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        reach += (kernel - 1) * hop
        hop *= stride
    return reach, hop


def _weights(path: Path) -> tuple[Path, ...]:
    weights = tuple(sorted(path.glob("*.safetensors")))
    if weights:
        return weights
    pickles = sorted(found.name for pattern in _PICKLES for found in path.glob(pattern))
    if pickles:
        raise ModelError(
            f"The model in {path} has its weights only as a pickle ({pickles[0]}), which may run any code.",
            "Choose a copy of it with model.safetensors.",
        )
    raise ModelError(f"The folder {path} has no model.safetensors.", "Fetch the model's weights as well.")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The file {path} cannot be read ({error}).", "Fetch the model again.") from error
    if not isinstance(content, dict):
        raise ModelError(f"The file {path} is no configuration.", "Fetch the model again.")
    return content
