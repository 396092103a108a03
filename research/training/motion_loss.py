# SPDX-License-Identifier: GPL-3.0-or-later
"""What the expression network is trained for: values, their speed, the lips, regions of the face, shut lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.face.basis import FaceBasis
from core.face.region_chart import OPENING, region_chart
from core.models.adamesh.adaptation_loss import lip_map
from core.models.adamesh.network import NetworkOutput


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each part of the loss counts beside the values' own error.

    velocity: of first differences. lips: per lip landmark. regions: of openings, widths and so on.
    closure: of the gap while the true lips are shut. opening: squared, of the mouth's opening and its change; L1 alone
    leans to the median, which a mouth rarely takes.
    """

    velocity: float = 0.5
    lips: float = 3.0
    regions: float = 0.15
    closure: float = 0.6
    opening: float = 1.5


class MotionLoss:
    """L1 before and after the post-net on z-scored values (docs/papers.md 1.2), and the terms of :class:`LossWeights`.

    Each value counts by how far it moves the lips, plus a floor: fifty components are not equally visible.
    """

    def __init__(self, basis: FaceBasis, mean: Tensor, deviation: Tensor, weights: LossWeights) -> None:
        self._weights = weights
        self._mean, self._deviation = mean, deviation
        self._to_lips = lip_map(basis).to(mean) * deviation[:, None]
        reach = self._to_lips.norm(dim=1)
        weight = 0.15 + reach / reach.max()
        self._weight = weight / weight.mean()
        self._to_regions = torch.from_numpy(region_chart(basis).signals.astype(np.float32)).to(mean)
        # centimetres (jaw: radians) that a region usually moves
        self._usual = (self._to_regions * deviation[:, None]).norm(dim=0)

    def __call__(self, output: NetworkOutput, motion: Tensor) -> Tensor:
        """output: z-scored; motion: (B, T, 53) in real units."""
        target = (motion - self._mean) / self._deviation
        return self._one(output.before.float(), target) + self._one(output.after.float(), target)

    def _one(self, predicted: Tensor, target: Tensor) -> Tensor:
        error = predicted - target
        velocity = error[:, 1:] - error[:, :-1]
        lips = error @ self._to_lips
        return (
            (error.abs() * self._weight).mean()
            + self._weights.velocity * (velocity.abs() * self._weight).mean()
            + self._weights.lips * lips.abs().mean()
            + self._region_loss(predicted, target)
        )

    def _region_loss(self, predicted: Tensor, target: Tensor) -> Tensor:
        given = ((predicted * self._deviation) @ self._to_regions) / self._usual
        wanted = ((target * self._deviation) @ self._to_regions) / self._usual
        gap = wanted[:, :, OPENING] * self._usual[OPENING]
        rest = (self._mean @ self._to_regions)[OPENING]
        # 1 where the true lips touch, 0 from 3 mm on
        shut = (1.0 - (gap + rest).clamp_min(0.0) / 0.3).clamp(0.0, 1.0)
        missed = (given - wanted)[:, :, OPENING].abs() * shut
        opening = (given - wanted)[:, :, OPENING]
        opened = (opening**2).mean() + 0.5 * ((opening[:, 1:] - opening[:, :-1]) ** 2).mean()
        return (
            self._weights.regions * (given - wanted).abs().mean()
            + self._weights.closure * missed.mean()
            + self._weights.opening * opened
        )
