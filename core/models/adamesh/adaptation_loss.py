# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of adaptation, and the lip error by which its model selection evaluates an update."""

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
# standard deviation below which a region counts as still: opening, width, rounding, brows, lids in cm, jaw in radians
_STILL = (0.05, 0.02, 0.02, 0.02, 0.02, 0.005)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the loss terms, relative to the L1 of the z-scored values (weight 1).

    velocity: L1 of first differences. lips: L1 of the lip landmarks, cm. peak: distance of the farthest lip landmark,
    cm. closure: L1 of the lip gap, cm, on frames where the tracked lips touch. floor: weight of a value that does not
    move the lips, where one that moves them most has 1 more. spread: absolute log ratio of each region's standard
    deviation in a crop (an L1 alone shrinks motion that the sound does not predict). agreement: one minus the
    correlation of the lip gap.
    """

    velocity: float = 0.5
    lips: float = 3.0
    peak: float = 0.5
    closure: float = 1.0
    floor: float = 0.15
    spread: float = 0.3
    agreement: float = 0.2


class AdaptationLoss:
    """Weighted sum of :class:`LossWeights`' terms, every frame weighted by the tracker's reliability.

    Source: the L1 before and after the post-net is AdaMesh's (docs/papers.md 1.2); the other terms are ours.
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
        """Scalar loss for motion (B, T, 53) in coefficients and radians; reliability (B, T) in 0..1."""
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
        """Terms over a whole crop: the regions' standard deviations, and the correlation of the lip gap."""
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
        """(B, T) 1 where the tracked lips touch, 0 where they are apart, linear between."""
        gap = self._rest_gap + motion @ self._to_gap
        return ((OPEN_CM - gap) / (OPEN_CM - SHUT_CM)).clamp(0.0, 1.0)


def lip_map(basis: FaceBasis) -> Tensor:
    """(53, 40 * 3) cm of the lip points per unit of each value, the jaw linear about rest."""
    lips = displacement_per_value(basis)[:, LIPS].reshape(MOTION_SIZE, -1)
    return torch.from_numpy(lips.astype(np.float32))
