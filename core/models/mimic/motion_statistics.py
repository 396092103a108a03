# SPDX-License-Identifier: GPL-3.0-or-later
"""What the average talker would have done, against which a style is read.

How wide a mouth stands open on the mean of a clip, and how far and fast it swings, depends on what is said and on how
much of the clip is pause, far more than on who speaks. So where the sound of a reference is known, its motion is
compared with the mean style's motion to that sound; where it is not, with what that motion usually is (for a reference
of ten seconds nearly as good). The paper's style encoder sees the motion alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# swings and speeds below this are nobody's style
_FLOOR_CM = 0.02
_EPSILON = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class MotionStatistics:
    """Statistics over time: mean (B, 51) coordinates, swing (B, R) and speed (B, R) of the face's regions.

    amplitude: deviation; speed: mean size of the change from frame to frame, 0 for a single one.
    """

    mean: Tensor
    amplitude: Tensor
    speed: Tensor

    @classmethod
    def of(cls, coordinates: Tensor, regions: Tensor) -> MotionStatistics:
        """From (B, T, 51), in single precision; regions: (51, R) to centimetres."""
        coordinates = coordinates.float()
        signals = coordinates @ regions
        changes = signals.diff(dim=1) if signals.shape[1] > 1 else torch.zeros_like(signals)
        variance = (signals - signals.mean(dim=1, keepdim=True)).square().mean(dim=1)
        return cls(coordinates.mean(dim=1), (variance + _EPSILON).sqrt(), changes.abs().mean(dim=1))

    def relative_to(self, expected: MotionStatistics) -> Tensor:
        """(B, 51 + 2 R): difference of the means, logarithms of the ratios of swings and of speeds."""
        speeds = _log_ratio(self.speed, expected.speed)
        return torch.cat([self.mean - expected.mean, self.amplitude_relative_to(expected), speeds], dim=1)

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """mean, swing, speed."""
        return self.mean, self.amplitude, self.speed

    def amplitude_relative_to(self, expected: MotionStatistics) -> Tensor:
        """(B, R) logarithms of the ratios of swings."""
        return _log_ratio(self.amplitude, expected.amplitude)

    def where(self, chosen: Tensor, other: MotionStatistics) -> MotionStatistics:
        """This for the samples (B,) that are chosen, the other for the rest."""
        pick = chosen[:, None] > 0
        return MotionStatistics(
            *(torch.where(pick, own, theirs) for own, theirs in zip(self.parts, other.parts, strict=True))
        )


def _log_ratio(given: Tensor, expected: Tensor) -> Tensor:
    return ((given + _FLOOR_CM) / (expected + _FLOOR_CM)).log()
