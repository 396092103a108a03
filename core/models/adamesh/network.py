# SPDX-License-Identifier: GPL-3.0-or-later
"""AdaMesh's expression network: speech features at 50 Hz, a style and a face to 53 motion values at 25 Hz.

Shapes: features (B, 2 T, F) -> motion (B, T, 53), z-scored with the training mean and deviation.
The release's 33.6 M-parameter 2-D subsampler is replaced by LayerNorm, Linear and one strided convolution.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from ...face.motion import MOTION_SIZE
from ..nn.conformer import ConformerBlock
from ..nn.subsampler import Subsampler
from .identity import IDENTITY_SIZE


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of the network: the paper's release (width 256, 4 heads, 3 + 3 blocks) with half its feed-forward.

    identity_size: values that describe a neutral face (see :mod:`.identity`). reach: frames on each side that a
    block between speech and motion attends to (None: all); the style encoder sees everything.
    """

    feature_size: int = 134
    width: int = 256
    heads: int = 4
    hidden: int = 1024
    kernel: int = 15
    reach: int | None = None
    encoder_blocks: int = 3
    decoder_blocks: int = 3
    style_blocks: int = 2
    style_hidden: int = 512
    identity_size: int = IDENTITY_SIZE
    postnet_channels: int = 128
    postnet_kernel: int = 5
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not divisible by {self.heads} heads")
        if self.kernel % 2 == 0 or self.postnet_kernel % 2 == 0:
            raise ValueError(f"kernels must be odd, got {self.kernel} and {self.postnet_kernel}")

    def blocks(self, count: int, hidden: int, reach: int | None) -> nn.Sequential:
        """``count`` conformer blocks of these sizes."""
        sizes = (self.width, self.heads, hidden, self.kernel, self.dropout, reach)
        return nn.Sequential(*(ConformerBlock(*sizes) for _ in range(count)))

    def to_dict(self) -> dict[str, int | float | None]:
        """For the model file's metadata."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """Motion (B, T, 53) before and after the post-net; training supervises both, inference uses ``after``."""

    before: Tensor
    after: Tensor


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


class AudioEncoder(nn.Module):
    """Speech features (B, 2 T, F) to hidden frames (B, T, width)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.subsampler = Subsampler(config.feature_size, config.width)
        self.blocks = config.blocks(config.encoder_blocks, config.hidden, config.reach)

    def forward(self, features: Tensor) -> Tensor:
        hidden: Tensor = self.blocks(self.subsampler(features))
        return hidden


class StyleEncoder(nn.Module):
    """Style embedding (B, width) of a segment of z-scored motion (B, T, 53) of any length T.

    Attention pooling over frames, so that long pauses do not dominate the mean. Source: structure from the paper's
    figure, sizes and pooling ours (docs/papers.md 1.2).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.project = nn.Linear(MOTION_SIZE, config.width)
        self.blocks = config.blocks(config.style_blocks, config.style_hidden, None)
        self.pooling = nn.Linear(config.width, 1)
        self.out = nn.Sequential(nn.Linear(config.width, config.width), nn.LayerNorm(config.width))

    def forward(self, motion: Tensor) -> Tensor:
        hidden = self.blocks(self.project(motion))
        pooled = (self.pooling(hidden).softmax(dim=1) * hidden).sum(dim=1)
        embedding: Tensor = self.out(pooled)
        return embedding


class IdentityEncoder(nn.Module):
    """A neutral face's shape (B, identity_size) to (B, width); without offsets, so that the mean face adds nothing."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(config.identity_size, config.width, bias=False),
            nn.ReLU(),
            nn.Linear(config.width, config.width, bias=False),
        )

    def forward(self, identity: Tensor) -> Tensor:
        embedding: Tensor = self.layers(identity)
        return embedding


class ExpressionDecoder(nn.Module):
    """Hidden frames, with style and identity added to each, to 53 z-scored motion values."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.bridge = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width), nn.Dropout(config.dropout))
        self.blocks = config.blocks(config.decoder_blocks, config.hidden, config.reach)
        self.head = nn.Linear(width, MOTION_SIZE)
        self.postnet = PostNet(MOTION_SIZE, config.postnet_channels, config.postnet_kernel)

    def forward(self, hidden: Tensor, condition: Tensor | None) -> NetworkOutput:
        hidden = self.bridge(hidden)
        if condition is not None:
            hidden = hidden + condition[:, None, :]
        before = self.head(self.blocks(hidden))
        return NetworkOutput(before, self.postnet(before))


class ExpressionNetwork(nn.Module):
    """Audio, style and identity encoders, summed, then one Conformer decoder (docs/papers.md 1.2).

    Without a style embedding, or with zeros, the motion is the mean speaker's; likewise for the identity.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.audio = AudioEncoder(config)
        self.style_encoder = StyleEncoder(config)
        self.identity_encoder = IdentityEncoder(config)
        self.decoder = ExpressionDecoder(config)
        self.register_buffer("mean", torch.zeros(MOTION_SIZE))
        self.register_buffer("deviation", torch.ones(MOTION_SIZE))

    def forward(self, features: Tensor, style: Tensor | None = None, identity: Tensor | None = None) -> NetworkOutput:
        """features (B, 2 T, F); style: (B, width) embedding; identity: (B, identity_size) or None."""
        condition = style
        if identity is not None:
            shape = self.identity_encoder(identity)
            condition = shape if condition is None else condition + shape
        output: NetworkOutput = self.decoder(self.audio(features), condition)
        return output

    def style(self, motion: Tensor) -> Tensor:
        """(B, T, 53) motion in real units to its (B, width) style embedding."""
        embedding: Tensor = self.style_encoder((motion - self.mean) / self.deviation)
        return embedding

    def motion(self, features: Tensor, style: Tensor | None = None, identity: Tensor | None = None) -> Tensor:
        """(B, T, 53) in real units (coefficients and radians)."""
        motion: Tensor = self.forward(features, style, identity).after * self.deviation + self.mean
        return motion
