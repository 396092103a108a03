# SPDX-License-Identifier: GPL-3.0-or-later
"""An expression network conditioned on one speaker's style, for the duration of a context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import Tensor

from .finetune import ADAPTER_NAME
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
