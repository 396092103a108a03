# SPDX-License-Identifier: GPL-3.0-or-later
"""Into Mimic's two latent spaces: motion to style, motion to content, speech to content.

Motion is (B, T, 51) in the coordinates of :mod:`core.mimic.space`.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..adamesh.conformer import ConformerBlock
from ..adamesh.network import Subsampler
from .config import MimicConfig
from .layers import ConvolutionStack, TemporalInstanceNorm, TransformerBlock
from .space import SPACE_SIZE


class StyleEncoder(nn.Module):
    """How somebody moves: (B, T, 51) of any length to one code (B, 128), the mean over time (paper: E_s).

    Its norms act on one frame's channels, so that amplitude and resting face survive.
    """

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = nn.Linear(SPACE_SIZE, width)
        self.stack = ConvolutionStack(width, config.motion_convolutions, lambda: nn.LayerNorm(width))
        self.bridge = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.blocks = _transformer(config, None)
        self.out = nn.Linear(width, config.code_size)

    def forward(self, motion: Tensor) -> Tensor:
        frames: Tensor = self.out(self.blocks(self.bridge(self.stack(self.enter(motion)))))
        return frames.mean(dim=1)


class MotionContentEncoder(nn.Module):
    """What the face says: (B, T, 51) to (B, T, width), instance norms in place of layer norms (paper: E_c)."""

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = nn.Linear(SPACE_SIZE, width)
        self.stack = ConvolutionStack(width, config.motion_convolutions, TemporalInstanceNorm)
        self.bridge = nn.Sequential(TemporalInstanceNorm(), nn.Linear(width, width))
        self.blocks = _transformer(config, config.reach)
        self.out = content_output(width)

    def forward(self, motion: Tensor) -> Tensor:
        content: Tensor = self.out(self.blocks(self.bridge(self.stack(self.enter(motion)))))
        return content


class SpeechContentEncoder(nn.Module):
    """What the voice says: features (B, 2 T, F) at 50 Hz to (B, T, width) at 25 Hz (paper: E_a).

    The paper trains wav2vec2's transformer; ours reads the phonetic encoder's features, which are already hardly the
    speaker's, through Conformer blocks. No instance norm: it would make a frame depend on where its window ends.
    """

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        sizes = (config.width, config.heads, config.hidden, config.kernel, config.dropout, config.reach)
        self.subsampler = Subsampler(config.feature_size, config.width)
        self.blocks = nn.Sequential(*(ConformerBlock(*sizes) for _ in range(config.speech_blocks)))
        self.out = content_output(config.width)

    def forward(self, features: Tensor) -> Tensor:
        content: Tensor = self.out(self.blocks(self.subsampler(features)))
        return content


def content_output(width: int) -> nn.Sequential:
    """To content frames of fixed length, ours: the reversed gradient would make them longer without end."""
    return nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width, elementwise_affine=False))


def _transformer(config: MimicConfig, reach: int | None) -> nn.Sequential:
    sizes = (config.width, config.heads, config.hidden, config.dropout, reach)
    return nn.Sequential(*(TransformerBlock(*sizes) for _ in range(config.motion_blocks)))
