# SPDX-License-Identifier: GPL-3.0-or-later
"""What adaptation minimises, and what its guard judges by: both in terms of the lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...face.basis import FaceBasis
from ...face.closures import OPEN_CM, SHUT_CM, gap_gradient, gap_of_vectors
from ...face.landmarks import LIPS
from ...face.motion import MOTION_SIZE
from ...face.region_chart import JAW, OPENING, displacement_per_value, region_chart
from .network import NetworkOutput

_MM_PER_CM = 10.0
# spread under which a region counts as still: opening, width, rounding, brows, lids in cm, jaw in radians
_STILL = (0.05, 0.02, 0.02, 0.02, 0.02, 0.005)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each part of the loss counts beside the values' own error.

    velocity: of first differences; lips: of lip points in cm; peak: of the farthest lip point in cm; closure: of
    the lips' gap in cm where the person's lips touch; floor: of a value that does not reach the lips at all.
    spread: of how far each region moves in a crop, as a log ratio (an L1 alone teaches to move less and less where the
    sound does not tell); agreement: of one minus the correlation of the lips' opening.
    """

    velocity: float = 0.5
    lips: float = 3.0
    peak: float = 0.5
    closure: float = 1.0
    floor: float = 0.15
    spread: float = 0.3
    agreement: float = 0.2


class AdaptationLoss:
    """L1 on z-scored values by their reach to the lips, its velocity, and the lips themselves; (papers.md 1.2).

    Everything is weighted by the tracker's reliability of each frame.
    """

    def __init__(self, basis: FaceBasis, mean: Tensor, deviation: Tensor, weights: LossWeights) -> None:
        self._weights = weights
        self._mean, self._deviation = mean, deviation
        self._to_lips = lip_map(basis).to(mean) * deviation[:, None]
        self._to_gap = torch.from_numpy(gap_gradient(basis)).to(mean)
        self._rest_gap = float(gap_of_vectors(basis, np.zeros((1, MOTION_SIZE)))[0])
        regions = region_chart(basis).signals[:, : JAW + 1]
        self._to_regions = torch.from_numpy(regions).to(mean) * deviation[:, None]
        self._still = torch.tensor(_STILL).to(mean)
        reach = self._to_lips.norm(dim=1)
        value_weights = weights.floor + reach / reach.max()
        self._value_weights = value_weights / value_weights.mean()

    def __call__(self, output: NetworkOutput, motion: Tensor, reliability: Tensor) -> Tensor:
        """motion (B, T, 53) in real units; reliability (B, T)."""
        target = (motion - self._mean) / self._deviation
        shut = self._shut(motion)
        value = torch.zeros((), device=target.device)
        for predicted in (output.before.float(), output.after.float()):
            value = value + self._one(predicted - target, shut, reliability) + self._sequence_terms(predicted, target)
        return value

    def lip_error_mm(self, predicted: Tensor, motion: Tensor) -> Tensor:
        """(..., T) the farthest lip point's distance in mm between two motions (..., T, 53) in real units."""
        difference = (predicted - motion) / self._deviation
        return _MM_PER_CM * self._lip_distances(difference).amax(dim=-1)

    def _one(self, error: Tensor, shut: Tensor, reliability: Tensor) -> Tensor:
        share = reliability / reliability.mean().clamp_min(1e-6)
        pair_share = torch.minimum(share[:, 1:], share[:, :-1])
        velocity = (error[:, 1:] - error[:, :-1]).abs() * self._value_weights
        distance = self._lip_distances(error)
        gap = ((error * self._deviation) @ self._to_gap).abs() * shut
        return (
            ((error.abs() * self._value_weights).mean(dim=-1) * share).mean()
            + self._weights.velocity * (velocity.mean(dim=-1) * pair_share).mean()
            + self._weights.lips * ((error @ self._to_lips).abs().mean(dim=-1) * share).mean()
            + self._weights.peak * (distance.amax(dim=-1) * share).mean()
            + self._weights.closure * (gap * share).mean()
        )

    def _sequence_terms(self, predicted: Tensor, target: Tensor) -> Tensor:
        """What no frame shows on its own: how far the regions move, and that the opening goes with the truth's."""
        given, wanted = (values @ self._to_regions for values in (predicted, target))
        given, wanted = (signals - signals.mean(dim=1, keepdim=True) for signals in (given, wanted))
        given_spread, wanted_spread = (signals.square().mean(dim=1).add(1e-10).sqrt() for signals in (given, wanted))
        ratio = torch.log(given_spread + self._still) - torch.log(wanted_spread + self._still)
        shared = (given[..., OPENING] * wanted[..., OPENING]).mean(dim=1)
        full = given_spread[:, OPENING] * wanted_spread[:, OPENING] + self._still[OPENING] ** 2
        weights = self._weights
        return weights.spread * ratio.abs().mean() + weights.agreement * (1 - shared / full).mean()

    def _lip_distances(self, error: Tensor) -> Tensor:
        # (..., 53) z-scored error to (..., 40) cm
        points = (error @ self._to_lips).reshape(*error.shape[:-1], len(LIPS), 3)
        return (points.square().sum(dim=-1) + 1e-8).sqrt()

    def _shut(self, motion: Tensor) -> Tensor:
        """(B, T) 1 where the person's lips touch, 0 where they are apart."""
        gap = self._rest_gap + motion @ self._to_gap
        return ((OPEN_CM - gap) / (OPEN_CM - SHUT_CM)).clamp(0.0, 1.0)


def lip_map(basis: FaceBasis) -> Tensor:
    """(53, 40 * 3) cm of the lip points per unit of each value, the jaw linear about rest."""
    lips = displacement_per_value(basis)[:, LIPS].reshape(MOTION_SIZE, -1)
    return torch.from_numpy(lips.astype(np.float32))
