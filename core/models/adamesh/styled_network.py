# SPDX-License-Identifier: GPL-3.0-or-later
"""An expression network conditioned on one speaker's style, for the duration of a context; and speech in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import Tensor

from ...face.motion import Motion
from ...style.likeness import LikenessCorrection
from ..nn.synthesiser import run_windows
from .finetune import ADAPTER_NAME
from .generate import ExpressionGenerator
from .molora import Molora
from .network import ExpressionNetwork
from .residual_correction import ResidualCorrection


@dataclass(frozen=True, slots=True, eq=False)
class StyledNetwork:
    """A :class:`~core.models.nn.synthesiser.MotionNetwork` with a fixed style.

    style: (1, width), or None for the mean speaker. residual: applied to the predicted motion.
    """

    network: ExpressionNetwork
    style: Tensor | None
    residual: ResidualCorrection | None = None

    def motion(self, features: Tensor) -> Tensor:
        """(B, 2 T, F) features to (B, T, 53) in real units."""
        style = None if self.style is None else self.style.expand(len(features), -1)
        spoken = self.network.motion(features, style)
        if self.residual is None:
            return spoken
        gain, offset = (torch.from_numpy(values).to(spoken) for values in (self.residual.gain, self.residual.offset))
        return gain * spoken + offset


@contextmanager
def styled(
    network: ExpressionNetwork,
    arrays: Mapping[str, NDArray],
    scale: float,
    embedding: NDArray,
    strength: float = 1.0,
    residual: ResidualCorrection | None = None,
) -> Iterator[StyledNetwork]:
    """The network with an :class:`.adapter.ExpressionAdapter`'s parts merged in, at the user's strength.

    Strength 0 is exactly the base. Raises :class:`~core.errors.ModelError` where the update does not fit.
    """
    molora = Molora(network)
    try:
        if arrays and strength * scale != 0:
            molora.load(ADAPTER_NAME, arrays)
            molora.set_scale(strength * scale)
            molora.merge()
        style = None
        if strength != 0 and embedding.any():
            style = strength * torch.from_numpy(embedding).to(network.mean)[None]
        yield StyledNetwork(network, style, residual.at(strength) if residual is not None and strength != 0 else None)
    finally:
        molora.detach()


@dataclass(frozen=True, slots=True, eq=False)
class LearntStyle:
    """What one speaker's style consists of: as in :class:`.adapter.ExpressionAdapter`."""

    arrays: Mapping[str, NDArray]
    scale: float
    embedding: NDArray
    residual: ResidualCorrection | None = None
    likeness: LikenessCorrection | None = None


def speak_in_style(
    generator: ExpressionGenerator,
    features: Tensor,
    style: LearntStyle,
    strength: float = 1.0,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Motion:
    """Motion from (2 T, F) features, lip-closure constraint applied; progress 0..1. Strength 0 is the base."""
    network, likeness = generator.network, style.likeness
    update = (style.arrays, style.scale, style.embedding, strength, style.residual)
    if likeness is None or strength == 0:
        with styled(network, *update) as adapted:
            return generator.synthesise(adapted, features, progress)
    mean = run_windows(network, features, lambda fraction: progress(0.5 * fraction))
    with styled(network, *update) as adapted:
        said = run_windows(adapted, features, lambda fraction: progress(0.5 + 0.5 * fraction))
    values = likeness.corrected(mean, said, strength)
    return generator.as_motion(generator.with_closures(values, features))
