# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way of taking a style from a reference that the style benchmark compares, behind one interface."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.audio.speech import Speech
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.base import ChosenStyles
from core.engine.speaking import speak
from core.face.motion import Motion
from core.models.adamesh.adaptation import adapt
from core.models.adamesh.adapter import AdaptationSettings
from core.models.adamesh.finetune import MakeTuner
from core.models.adamesh.generate import ExpressionGenerator
from core.models.adamesh.molora import MoloraSettings
from core.models.adamesh.network import ExpressionNetwork
from core.models.adamesh.residual_correction import ResidualShrinkage, fit_residual_correction
from core.models.adamesh.styled_network import LearntStyle, speak_in_style
from core.models.affine.apply import apply_style
from core.models.affine.fit import fit_style
from core.tracking.reference import TrackedReference

# of a plain gain and offset, with nothing clipped: the best of 0, 3, 10 seconds on these people
EQUAL_SHRINKAGE = ResidualShrinkage(gain_half_seconds=3.0, offset_half_seconds=3.0, gain_range=(-np.inf, np.inf))
# full fine-tuning takes smaller steps than low-rank pairs do
FULL_LEARNING_RATE = 1e-4
MOLORA = "MoLoRA (shipped)"


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """generate: speech in the fitted style. values: how many numbers the style consists of."""

    generate: Callable[[Speech], Motion]
    seconds: float
    values: int
    scale: float = 1.0
    steps: int = 0


class Method(Protocol):
    """One row of the benchmark."""

    @property
    def name(self) -> str: ...

    def fit(self, base: ExpressionGenerator, reference: TrackedReference) -> Fitted:
        """Learn the person; the base may be used by the next method afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Unadapted:
    """The base without a reference."""

    name: str = "unadapted"

    def fit(self, base: ExpressionGenerator, reference: TrackedReference) -> Fitted:
        return Fitted(base.generate, 0.0, 0)


@dataclass(frozen=True, slots=True)
class GainAndOffset:
    """``core.models.affine.fit``: per dimension, from the base's motion for the sound to the tracked one."""

    name: str = "gain and offset"

    def fit(self, base: ExpressionGenerator, reference: TrackedReference) -> Fitted:
        began = time.perf_counter()
        style = fit_style(base, reference)
        seconds = time.perf_counter() - began

        def generate(speech: Speech) -> Motion:
            return apply_style(base.generate(speech), style, 1.0)

        return Fitted(generate, seconds, style.gain.size + style.offset.size)


@dataclass(frozen=True, slots=True)
class LeastSquaresGain:
    """Per dimension, the gain and offset with the least squared error on the reference, drawn towards 1 and 0."""

    name: str = "gain and offset, least squares"

    def fit(self, base: ExpressionGenerator, reference: TrackedReference) -> Fitted:
        began = time.perf_counter()
        assert reference.speech is not None
        predicted = base.generate(reference.speech).face_vector()[: len(reference.motion)]
        tracked = reference.motion.face_vector()[: len(predicted)]
        fitted = fit_residual_correction(predicted, tracked, reference.weights[: len(predicted)], EQUAL_SHRINKAGE)
        style = replace(fit_style(base, reference), gain=fitted.gain, offset=fitted.offset)
        seconds = time.perf_counter() - began

        def generate(speech: Speech) -> Motion:
            return apply_style(base.generate(speech), style, 1.0)

        return Fitted(generate, seconds, fitted.gain.size + fitted.offset.size)


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """What is on the face while AdaMesh learns: see :mod:`core.engine.first_version`."""

    name: str = "first version"

    def fit(self, base: ExpressionGenerator, reference: TrackedReference) -> Fitted:
        began = time.perf_counter()
        backend = AdaMeshBackend(base)
        style = backend.first_style(reference, fit_style(base, reference))
        seconds = time.perf_counter() - began

        def generate(speech: Speech) -> Motion:
            return speak(backend, speech, ChosenStyles(style)).motion

        return Fitted(generate, seconds, style.gain.size + style.offset.size)


@dataclass(frozen=True, slots=True)
class Adapted:
    """:func:`.adaptation.adapt` with these settings, on low-rank pairs or (``full``) on every weight."""

    name: str
    settings: AdaptationSettings
    full: bool = False

    def fit(self, base: ExpressionGenerator, reference: TrackedReference) -> Fitted:
        make_tuner: MakeTuner | None = full_tuner if self.full else None
        adapter = adapt(base, reference, self.settings, make_tuner=make_tuner)
        values = sum(array.size for array in adapter.arrays.values()) + int(np.count_nonzero(adapter.style_embedding))

        def generate(speech: Speech) -> Motion:
            with ExitStack() as stack:
                low_rank = adapter.arrays
                if self.full and adapter.arrays:
                    stack.enter_context(changed(base.network, adapter.arrays, adapter.scale))
                    low_rank = {}
                learnt = LearntStyle(
                    low_rank, adapter.scale, adapter.style_embedding, adapter.residual, adapter.likeness
                )
                return speak_in_style(base, base.features(speech), learnt)

        return Fitted(generate, adapter.report.compute_seconds, values, adapter.scale, adapter.report.steps)


class FullTuner:
    """Every weight of the network; a scale goes along the straight line from the base."""

    def __init__(self, network: ExpressionNetwork, seed: int) -> None:
        self._network = network
        self._flags = [parameter.requires_grad for parameter in network.parameters()]
        self._base = [parameter.detach().clone() for parameter in network.parameters()]
        self._tuned: list[torch.Tensor] | None = None
        network.requires_grad_(True)

    def parameters(self) -> list[nn.Parameter]:
        return list(self._network.parameters())

    def set_scale(self, scale: float) -> None:
        if self._tuned is None and scale != 1.0:
            self._tuned = [parameter.detach().clone() for parameter in self.parameters()]
        if self._tuned is None:
            return
        for parameter, base, tuned in zip(self.parameters(), self._base, self._tuned, strict=True):
            parameter.data.copy_(base + scale * (tuned - base))
        if scale == 1.0:
            self._tuned = None

    def state(self) -> dict[str, NDArray[np.float32]]:
        names = [name for name, _ in self._network.named_parameters()]
        changes = [p.detach() - base for p, base in zip(self.parameters(), self._base, strict=True)]
        return {name: change.cpu().numpy() for name, change in zip(names, changes, strict=True)}

    def remove(self) -> None:
        for parameter, base, flag in zip(self.parameters(), self._base, self._flags, strict=True):
            parameter.data.copy_(base)
            parameter.requires_grad_(flag)
            parameter.grad = None


def full_tuner(network: ExpressionNetwork, seed: int) -> FullTuner:
    """For :func:`core.models.adamesh.adaptation.adapt`."""
    return FullTuner(network, seed)


@contextmanager
def changed(network: ExpressionNetwork, changes: Mapping[str, NDArray], scale: float) -> Iterator[None]:
    """The network with ``scale`` times the changes added to its weights, for as long as it lasts."""
    present = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    for name, parameter in network.named_parameters():
        parameter.data.add_(scale * torch.from_numpy(changes[name]).to(parameter))
    try:
        yield
    finally:
        for name, parameter in network.named_parameters():
            parameter.data.copy_(present[name])


def with_ranks(molora: MoloraSettings, ranks: tuple[int, ...]) -> MoloraSettings:
    """Other pairs that learn as fast: what a step of Adam adds grows with the sum over pairs of scale times rank."""
    alpha = None if molora.alpha is None else molora.alpha * float(np.sqrt(molora.ranks).sum() / np.sqrt(ranks).sum())
    return replace(molora, ranks=ranks, alpha=alpha)


def methods(settings: AdaptationSettings | None = None) -> tuple[Method, ...]:
    """The table's rows: the shipped settings (named MoLoRA), what they are compared with, and variations of them."""
    shipped = AdaptationSettings() if settings is None else settings
    ranks, tune, selection = shipped.molora.ranks, shipped.tune, shipped.selection

    def pairs(*chosen: int) -> AdaptationSettings:
        return replace(shipped, molora=with_ranks(shipped.molora, chosen))

    def within(*modules: str) -> AdaptationSettings:
        return replace(shipped, molora=replace(shipped.molora, within=modules))

    def steps(count: int) -> AdaptationSettings:
        return replace(shipped, tune=replace(tune, steps=count))

    # the likeness correction is told from the base, which full fine-tuning leaves nothing of
    full = replace(within(), tune=replace(tune, learning_rate=FULL_LEARNING_RATE), likeness=None)
    none_learnt = replace(shipped, selection=replace(selection, scales=(0.0,)), likeness=None)
    return (
        Unadapted(),
        GainAndOffset(),
        LeastSquaresGain(),
        FirstVersion(),
        Adapted("style embedding only", none_learnt),
        Adapted(f"one LoRA, rank {sum(ranks)}", pairs(sum(ranks))),
        Adapted("full fine-tuning", full, full=True),
        Adapted(MOLORA, shipped),
        Adapted("MoLoRA {4}", pairs(4)),
        Adapted("MoLoRA {4, 8, 16, 32}", pairs(4, 8, 16, 32)),
        Adapted(f"MoLoRA, {tune.steps // 2} steps", steps(tune.steps // 2)),
        Adapted(f"MoLoRA, {tune.steps * 2} steps", steps(tune.steps * 2)),
        Adapted("MoLoRA on every layer", within()),
        Adapted("MoLoRA without style embedding", replace(shipped, style=False)),
        Adapted("MoLoRA without residual correction", replace(shipped, residual=False)),
        Adapted("MoLoRA without likeness correction", replace(shipped, likeness=None)),
        Adapted("MoLoRA without model selection", replace(shipped, selection=replace(selection, enabled=False))),
    )
