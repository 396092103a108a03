# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion statistics of a reference relative to the mean speaker's: mean pose, amplitude and speed per region.

The mean opening of a mouth, its amplitude and its speed depend on what is said, and on the share of pauses, more than
on the speaker. So a reference with sound is compared with the mean style's motion for the same speech; one without,
with the population mean of those statistics (nearly as good for ten seconds). Ours: the paper's style encoder sees
the motion alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# added to amplitudes (cm) and speeds (cm a frame) before a ratio: differences below this are noise
_FLOOR_CM = 0.02
_EPSILON = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class MotionStatistics:
    """Statistics over time.

    mean: (B, 51) coordinates. amplitude: (B, R) standard deviation of the region signals, cm. speed: (B, R) mean
    absolute difference between frames, cm a frame, 0 for a single frame.
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
        """(B, 51 + 2 R): difference of the means, then log ratios of the amplitudes and of the speeds."""
        speeds = _log_ratio(self.speed, expected.speed)
        return torch.cat([self.mean - expected.mean, self.amplitude_relative_to(expected), speeds], dim=1)

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """mean, amplitude, speed."""
        return self.mean, self.amplitude, self.speed

    def amplitude_relative_to(self, expected: MotionStatistics) -> Tensor:
        """(B, R) log ratios of the amplitudes."""
        return _log_ratio(self.amplitude, expected.amplitude)

    def where(self, chosen: Tensor, other: MotionStatistics) -> MotionStatistics:
        """These rows where ``chosen`` (B,) is positive, the other's elsewhere."""
        pick = chosen[:, None] > 0
        return MotionStatistics(
            *(torch.where(pick, own, theirs) for own, theirs in zip(self.parts, other.parts, strict=True))
        )


def _log_ratio(given: Tensor, expected: Tensor) -> Tensor:
    return ((given + _FLOOR_CM) / (expected + _FLOOR_CM)).log()
