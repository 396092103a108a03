# SPDX-License-Identifier: GPL-3.0-or-later
"""Any HuBERT, wav2vec 2.0 or WavLM in a local folder as a speech encoder. Never asks the network.

The transformers package is optional: everything else works without it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...audio.speech import Speech
from ...checkpoint import checkpoint
from ...errors import EngineSetupError, ModelError
from ..device import choose_device
from ..windows import raised_cosine, window_starts
from .hubert_folder import HOP, ModelFolder, read_folder

TRANSFORMERS = "transformers==5.23.0"
# 20 ms frames in one pass, and how many of them fade into each neighbour: attention costs time squared
WINDOW_FRAMES = 1000
FADE_FRAMES = 100
_CLASSES = {"hubert": "HubertModel", "wav2vec2": "Wav2Vec2Model", "wavlm": "WavLMModel"}
# used in pre-training only; many published files lack it
_NEVER_USED = frozenset({"masked_spec_embed"})
# the preprocessors' own, so that silence does not divide by zero
_LEAST_VARIANCE = 1e-7


class HubertEncoder:
    """:class:`~core.models.speech.encoder.SpeechEncoder` over a local HuBERT, wav2vec 2.0 or WavLM."""

    def __init__(self, model: Any, folder: ModelFolder, device: str) -> None:
        self._folder = folder
        self._device = device
        self.network = model.to(device).eval()
        self._hash = folder.fingerprint()
        # deeper layers would only cost time
        del model.encoder.layers[folder.layer :]

    @classmethod
    def load(cls, path: Path, layer: int | None = None, device: str = "auto") -> HubertEncoder:
        """The model in the folder ``path``; features are what ``layer`` gives (1 is the first, default the last).

        Raises :class:`ModelError` for a folder that does not fit, :class:`SettingsError` for a layer that it lacks,
        :class:`EngineSetupError` without the transformers package.
        """
        folder = read_folder(Path(path), layer)
        return cls(_load_model(folder), folder, choose_device(device))

    @property
    def name(self) -> str:
        """Such as ``hubert-768-layer12``."""
        return f"{self._folder.model_type}-{self._folder.dimension}-layer{self._folder.layer}"

    @property
    def dimension(self) -> int:
        """Features per frame."""
        return self._folder.dimension

    @property
    def hash(self) -> str:
        """Of configuration, weights and layer, wherever the folder lies."""
        return self._hash

    def encode(self, speech: Speech) -> NDArray[np.float32]:
        """(N, dimension), N = ceil(seconds * 50); frame i is centred on sample 320 i.

        Windows of 20 s with raised-cosine seams of 2 s: memory grows with the output only.
        """
        count = -(-len(speech.samples) // HOP)
        level = _level(speech.samples) if self._folder.normalise else _Level(0.0, 1.0)
        total = np.zeros((count, self.dimension), np.float32)
        for window in _windows(count):
            checkpoint()
            sound = self._heard_by(window, speech.samples, level)
            total[window.start : window.stop] += window.weight[:, None] * self._run(sound)
        return total

    def _heard_by(self, window: _Window, samples: NDArray[np.float32], level: _Level) -> NDArray[np.float32]:
        """Normalised sound: the front end pads nothing, so every frame needs half its reach on both sides."""
        first = window.start * HOP - self._folder.reach // 2
        last = first + (window.stop - window.start - 1) * HOP + self._folder.reach
        inside = (samples[max(first, 0) : last] - np.float32(level.mean)) * np.float32(level.scale)
        return np.pad(inside, (max(-first, 0), last - max(first, 0) - len(inside)))

    def _run(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """(frames, dimension) of one window."""
        encoder, kept = self.network.encoder, []
        # some kinds end in a norm after their last layer, which belongs to that layer's output
        place = encoder if self._folder.layer == self._folder.layers else encoder.layers[-1]
        hook = place.register_forward_hook(lambda module, given, output: kept.append(output))
        try:
            with torch.inference_mode():
                self.network(torch.from_numpy(sound)[None].to(self._device))
        finally:
            hook.remove()
        output = kept[0]
        hidden = output if isinstance(output, torch.Tensor) else output[0]
        frames: NDArray[np.float32] = hidden[0].float().cpu().numpy()
        return frames


@dataclass(frozen=True, slots=True)
class _Level:
    mean: float
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Frames [start, stop) with each frame's share (stop - start,) of the result."""

    start: int
    stop: int
    weight: NDArray[np.float32]


def _level(samples: NDArray[np.float32]) -> _Level:
    """Of the whole speech, so that all windows are scaled alike."""
    if len(samples) == 0:
        return _Level(0.0, 1.0)
    mean = float(samples.mean(dtype=np.float64))
    variance = float(np.square(samples, dtype=np.float32).mean(dtype=np.float64)) - mean**2
    return _Level(mean, (max(variance, 0.0) + _LEAST_VARIANCE) ** -0.5)


def _windows(count: int) -> Iterator[_Window]:
    """Windows over ``count`` frames whose weights sum to one; the last is as long as the others."""
    length = min(WINDOW_FRAMES, count)
    starts = window_starts(count, length, WINDOW_FRAMES - FADE_FRAMES)
    for index, start in enumerate(starts):
        weight = np.ones(length, np.float32)
        if index > 0:
            # the last window may share more with the one before it: it still takes over within as many frames
            shared = starts[index - 1] + length - start
            weight[:shared] = _rise(shared)
        if index + 1 < len(starts):
            shared = start + length - starts[index + 1]
            weight[-shared:] *= 1 - _rise(shared)
        yield _Window(start, start + length, weight)


def _rise(frames: int) -> NDArray[np.float32]:
    """(frames,) 0 to 1 by a raised cosine over the last ``FADE_FRAMES`` of them at most."""
    slope = raised_cosine(min(frames, FADE_FRAMES))
    return np.pad(slope, (frames - len(slope), 0)).astype(np.float32)


def _load_model(folder: ModelFolder) -> Any:
    """transformers' network with every weight from the folder."""
    transformers = _import_transformers()
    from safetensors import SafetensorError

    try:
        model, report = getattr(transformers, _CLASSES[folder.model_type]).from_pretrained(
            folder.path,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    # transformers passes on whatever its own and its helpers' checks raise
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(
            f"The speech model in {folder.path} cannot be loaded ({reason}).", "Fetch the model again."
        ) from error
    missing = sorted(name for name in report["missing_keys"] if name.split(".")[-1] not in _NEVER_USED)
    if missing:
        raise ModelError(
            f"The weights in {folder.path} lack {len(missing)} of the model's values, such as {missing[0]}.",
            "Fetch the model again.",
        )
    # would change the frame rate behind the last layer
    model.adapter = None
    return model


def _import_transformers() -> Any:
    # read by the package's own hub client when it is imported: a name that is no folder must never become a download
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        transformers = importlib.import_module("transformers")
        importlib.import_module("safetensors")
    except ImportError as error:
        raise EngineSetupError(
            f"The speech encoder hubert needs the package transformers, which {sys.executable} cannot load ({error}).",
            f"Install it there: {sys.executable} -m pip install {TRANSFORMERS}",
        ) from error
    transformers.utils.logging.disable_progress_bar()
    return transformers
