# SPDX-License-Identifier: GPL-3.0-or-later
"""AdaMesh's base network: speech features at 50 Hz to 53 motion values at 25 Hz (papers.md 1.2).

Shapes: features (B, 2 T, F) -> motion (B, T, 53), z-scored with the training mean and deviation.
The release's 33.6 M-parameter 2-D subsampler is replaced by LayerNorm, Linear and one strided convolution.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ..face.motion import MOTION_SIZE
from .conformer import ConformerBlock


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of the network; the defaults are the paper's release (width 256, 4 heads, 3 + 3 blocks)."""

    feature_size: int = 160
    width: int = 256
    heads: int = 4
    hidden: int = 2048
    kernel: int = 15
    encoder_blocks: int = 3
    decoder_blocks: int = 3
    postnet_channels: int = 128
    postnet_kernel: int = 5
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not divisible by {self.heads} heads")
        if self.kernel % 2 == 0 or self.postnet_kernel % 2 == 0:
            raise ValueError(f"kernels must be odd, got {self.kernel} and {self.postnet_kernel}")

    def to_dict(self) -> dict[str, int | float]:
        """For the model file's metadata."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """Motion (B, T, 53) before and after the post-net; training supervises both, inference uses ``after``."""

    before: Tensor
    after: Tensor


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


class PostNet(nn.Module):
    """Tacotron-2-type residual refiner: two convolutions of kernel 5."""

    def __init__(self, size: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(size, channels, kernel, padding=kernel // 2),
            nn.BatchNorm1d(channels),
            nn.Tanh(),
            nn.Dropout(0.5),
            nn.Conv1d(channels, size, kernel, padding=kernel // 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x.transpose(1, 2)).transpose(1, 2)


class ExpressionNetwork(nn.Module):
    """Conformer encoder and decoder with a post-net. Later issues add style and identity before the decoder."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config

        def blocks(count: int) -> nn.Sequential:
            sizes = (config.width, config.heads, config.hidden, config.kernel, config.dropout)
            return nn.Sequential(*(ConformerBlock(*sizes) for _ in range(count)))

        self.subsampler = Subsampler(config.feature_size, config.width)
        self.encoder = blocks(config.encoder_blocks)
        self.bridge = nn.Sequential(
            nn.Linear(config.width, config.width), nn.LayerNorm(config.width), nn.Dropout(config.dropout)
        )
        self.decoder = blocks(config.decoder_blocks)
        self.head = nn.Linear(config.width, MOTION_SIZE)
        self.postnet = PostNet(MOTION_SIZE, config.postnet_channels, config.postnet_kernel)
        self.register_buffer("mean", torch.zeros(MOTION_SIZE))
        self.register_buffer("deviation", torch.ones(MOTION_SIZE))

    def forward(self, features: Tensor) -> NetworkOutput:
        hidden = self.decoder(self.bridge(self.encoder(self.subsampler(features))))
        before = self.head(hidden)
        return NetworkOutput(before, self.postnet(before))

    def motion(self, features: Tensor) -> Tensor:
        """(B, T, 53) in real units (coefficients and radians)."""
        motion: Tensor = self.forward(features).after * self.deviation + self.mean
        return motion
