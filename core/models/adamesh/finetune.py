# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains an update of the expression network on crops of one reference; the network stays in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...checkpoint import checkpoint, uninterrupted
from .adaptation_data import CropBatch, CropSource, Segment, match_moments
from .adaptation_loss import AdaptationLoss, LossWeights
from .molora import Molora, MoloraSettings
from .network import ExpressionNetwork, NetworkOutput

ADAPTER_NAME = "style"
# called after every step with the exponential moving average of the parameters; False ends the training
Watch = Callable[[int, Sequence[Tensor]], bool]


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """How an update is trained.

    crop_frames: shortest and longest crop at 25 fps; frames_per_step: of all crops together; tempo: crops are played
    up to this share faster or slower; noise: added to the network's input, in its standard deviations.
    distillation: share (0..1) of the target that is the base network's own motion with its moments matched to the
    reference (:func:`.adaptation_data.match_moments`), the rest being the tracked motion. It regularises: ten seconds
    of tracked motion alone are overfitted.
    """

    steps: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    average_decay: float = 0.97
    crop_frames: tuple[int, int] = (50, 100)
    frames_per_step: int = 200
    tempo: float = 0.15
    noise: float = 0.25
    dropout: bool = False
    distillation: float = 0.2
    half_precision: bool = True
    loss: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        if self.steps < 1 or self.frames_per_step < 1 or not 2 <= self.crop_frames[0] <= self.crop_frames[1]:
            raise ValueError(f"steps, frames and crops must be positive and in order, got {self}")


class Tuner(Protocol):
    """One parametrisation of a network's update: its parameters, scale, state, and removal."""

    def parameters(self) -> list[nn.Parameter]: ...

    def set_scale(self, scale: float) -> None:
        """0 is the base exactly; training needs 1."""

    def state(self) -> dict[str, NDArray[np.float32]]: ...

    def remove(self) -> None:
        """The network is the base again, and may be used for anything."""


MakeTuner = Callable[[ExpressionNetwork, int], Tuner]


class MoloraTuner:
    """The mixture of low-rank adaptations as a :class:`Tuner`."""

    def __init__(self, network: ExpressionNetwork, settings: MoloraSettings, seed: int) -> None:
        self._molora = Molora(network)
        self._molora.attach(ADAPTER_NAME, settings, seed)

    def parameters(self) -> list[nn.Parameter]:
        return self._molora.parameters(ADAPTER_NAME)

    def set_scale(self, scale: float) -> None:
        self._molora.set_scale(scale)

    def state(self) -> dict[str, NDArray[np.float32]]:
        return self._molora.state(ADAPTER_NAME)

    def remove(self) -> None:
        self._molora.detach()


@dataclass(frozen=True, slots=True, eq=False)
class StyleConditioning:
    """Input of the style encoder: windows (K, W, 53) of the speaker's motion, and the strength of their embedding.

    embeddings: (K, width) of the windows, where the style encoder stays frozen and is run only once.
    """

    windows: Tensor | None
    strength: float
    embeddings: Tensor | None = None

    @torch.no_grad()
    def frozen(self, network: ExpressionNetwork) -> StyleConditioning:
        """With the embeddings that the network gives now."""
        if self.windows is None or self.strength == 0:
            return self
        return replace(self, embeddings=network.style(self.windows.to(network.mean)))

    def sampled(self, rng: np.random.Generator) -> StyleConditioning:
        """With one random window, for one training step."""
        if self.windows is None or self.strength == 0:
            return self
        chosen = int(rng.integers(len(self.windows)))
        one = slice(chosen, chosen + 1)
        embeddings = None if self.embeddings is None else self.embeddings[one]
        return replace(self, windows=self.windows[one], embeddings=embeddings)

    def style(self, network: ExpressionNetwork) -> Tensor | None:
        """(1, width) mean embedding of the windows, or None."""
        if self.windows is None or self.strength == 0:
            return None
        embeddings = self.embeddings if self.embeddings is not None else network.style(self.windows.to(network.mean))
        return self.strength * embeddings.mean(dim=0, keepdim=True)


def spoken(network: ExpressionNetwork, network_input: Tensor, style: Tensor | None, hidden: bool) -> NetworkOutput:
    """The network's motion from features (B, 2 T, F), or from its own hidden frames (B, T, width)."""
    conditions = None if style is None else style.expand(len(network_input), -1)
    output: NetworkOutput = (network.decoder if hidden else network)(network_input, conditions)
    return output


class Trainer:
    """Trains tuners on one network; the same inputs give the same parameters."""

    def __init__(self, network: ExpressionNetwork, loss: AdaptationLoss, settings: TuneSettings, seed: int) -> None:
        self._network, self._loss, self._settings, self._seed = network, loss, settings, seed

    def train(
        self, tuner: Tuner, segments: Sequence[Segment], conditioning: StyleConditioning, steps: int, watch: Watch
    ) -> None:
        """Train for ``steps``, or until ``watch`` returns False; then install the averaged parameters."""
        settings, parameters = self._settings, tuner.parameters()
        rng = np.random.default_rng(self._seed)
        source = CropSource(match_moments(segments), settings.crop_frames, settings.frames_per_step, settings.tempo)
        spread = torch.from_numpy(np.concatenate([segment.network_input for segment in segments]).std(axis=0))
        hidden = all(segment.hidden is not None for segment in segments)
        # in a fresh process it loads torch's compiler
        with uninterrupted("preparing the training"):
            optimiser = torch.optim.AdamW(
                parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True
            )
        average = [parameter.detach().clone() for parameter in parameters]
        with torch.random.fork_rng(devices=[]), _dropout(self._network, settings.dropout):
            torch.manual_seed(self._seed)
            for step in range(1, steps + 1):
                for group in optimiser.param_groups:
                    group["lr"] = settings.learning_rate * _rate(step, settings.steps)
                batch = _noisy(source.draw(rng), settings.noise * spread, rng)
                self._step(optimiser, batch, conditioning.sampled(rng), hidden)
                _update_average(average, parameters, min(settings.average_decay, step / (step + 4)))
                if not watch(step, average):
                    break
        _install(parameters, average)

    def _step(
        self, optimiser: torch.optim.Optimizer, batch: CropBatch, conditioning: StyleConditioning, hidden: bool
    ) -> None:
        device = self._network.mean.device
        half = self._settings.half_precision and half_precision_pays(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            style = conditioning.style(self._network)
            output = spoken(self._network, batch.network_input.to(device), style, hidden)
        checkpoint()
        target = torch.lerp(batch.motion, batch.expected, self._settings.distillation)
        value = self._loss(output, target.to(device), batch.weights.to(device))
        optimiser.zero_grad(set_to_none=True)
        checkpoint()
        value.backward()  # type: ignore[no-untyped-call]
        checkpoint()
        optimiser.step()


@contextmanager
def as_in_use(network: nn.Module, tuner: Tuner, values: Sequence[Tensor]) -> Iterator[None]:
    """For an evaluation during training: ``values`` installed, dropout off; both restored afterwards."""
    parameters = tuner.parameters()
    present = [parameter.detach().clone() for parameter in parameters]
    _install(parameters, values)
    dropout = any(module.training for module in network.modules() if isinstance(module, nn.Dropout))
    try:
        with _dropout(network, False):
            yield
    finally:
        tuner.set_scale(1.0)
        _install(parameters, present)
        _set_dropout(network, dropout)


def half_precision_pays(device: torch.device) -> bool:
    """Whether bfloat16 is faster on the device: GPUs, and processors with hardware support."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    # builds without oneDNN (Apple Silicon) have no such operator
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return device.type == "cpu" and supported is not None and bool(supported())


def _noisy(batch: CropBatch, deviation: Tensor, rng: np.random.Generator) -> CropBatch:
    noise = torch.from_numpy(rng.standard_normal(batch.network_input.shape, np.float32))
    return replace(batch, network_input=batch.network_input + noise * deviation)


def _rate(step: int, steps: int) -> float:
    """Learning-rate factor: cosine from 1 to 0.05 after a short linear warm-up."""
    start = min(step / (0.05 * steps + 1), 1.0)
    return start * (0.05 + 0.95 * 0.5 * (1 + float(np.cos(np.pi * step / steps))))


def _update_average(average: list[Tensor], parameters: Sequence[nn.Parameter], decay: float) -> None:
    torch._foreach_lerp_(average, [parameter.detach() for parameter in parameters], 1 - decay)


def _install(parameters: Sequence[nn.Parameter], values: Sequence[Tensor]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.data.copy_(value)


@contextmanager
def _dropout(network: nn.Module, on: bool) -> Iterator[None]:
    """Dropout in training mode, normalisation in evaluation mode; afterwards all in evaluation mode."""
    _set_dropout(network, on)
    try:
        yield
    finally:
        _set_dropout(network, False)


def _set_dropout(network: nn.Module, on: bool) -> None:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train(on)
