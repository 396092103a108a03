# SPDX-License-Identifier: GPL-3.0-or-later
"""Subsamples speech features from 50 Hz to the motion's 25 Hz."""

from __future__ import annotations

from torch import Tensor, nn


class Subsampler(nn.Module):
    """(B, 2 T, F) at 50 Hz to (B, T, width) at 25 Hz."""

    def __init__(self, feature_size: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(feature_size, width)
        self.norm = nn.LayerNorm(width)
        self.halve = nn.Conv1d(width, width, 5, stride=2, padding=2)

    def forward(self, features: Tensor) -> Tensor:
        frames = nn.functional.gelu(self.norm(self.project(features)))
        return nn.functional.gelu(self.halve(frames.transpose(1, 2))).transpose(1, 2)
