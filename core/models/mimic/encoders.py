# SPDX-License-Identifier: GPL-3.0-or-later
"""Into Mimic's two latent spaces: motion to style, motion to content, speech to content.

Motion is (B, T, 51) in the coordinates of :mod:`core.models.mimic.space`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..nn.conformer import ConformerBlock
from ..nn.subsampler import Subsampler
from .config import MimicConfig
from .layers import ConvolutionStack, TemporalInstanceNorm, TransformerBlock, over_time
from .motion_statistics import MotionStatistics
from .space import REGION_COUNT, SPACE_SIZE


class StyleEncoder(nn.Module):
    """Style code (B, 128) of motion (B, T, 51) of any length (the paper's E_s).

    Layer norms act on one frame's channels, so amplitude and neutral face are preserved. The paper averages the last
    layer over time; ours uses statistics pooling (mean and standard deviation) and appends the motion's own
    statistics relative to the mean speaker's (:mod:`.motion_statistics`), which few training speakers do not suffice
    to learn.
    """

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = nn.Linear(SPACE_SIZE, width)
        self.stack = ConvolutionStack(width, config.motion_convolutions, lambda: nn.LayerNorm(width))
        self.bridge = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.blocks = _transformer(config, None)
        self.out = nn.Linear(2 * width + SPACE_SIZE + 2 * REGION_COUNT, config.code_size)

    def forward(self, motion: Tensor, regions: Tensor, expected: MotionStatistics) -> Tensor:
        """regions: (51, R) linear map to the region signals. expected: the mean speaker's, of 1 or B rows."""
        frames = self.blocks(self.bridge(self.stack(self.enter(motion - expected.mean[:, None]))))
        own = MotionStatistics.of(motion, regions).relative_to(expected)
        code: Tensor = self.out(torch.cat([over_time(frames), own], dim=1))
        return code


class MotionContentEncoder(nn.Module):
    """Content (B, T, width) of motion (B, T, 51): instance norms in place of layer norms (the paper's E_c).

    The transformer blocks can restore sequence means and amplitudes after the first norms, so the last layer is an
    instance norm too. It also bounds the content's norm, which gradient reversal would otherwise increase.
    """

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        width = config.width
        self.enter = nn.Linear(SPACE_SIZE, width)
        self.stack = ConvolutionStack(width, config.motion_convolutions, TemporalInstanceNorm)
        self.bridge = nn.Sequential(TemporalInstanceNorm(), nn.Linear(width, width))
        self.blocks = _transformer(config, config.reach)
        self.out = nn.Sequential(nn.Linear(width, width), TemporalInstanceNorm())

    def forward(self, motion: Tensor) -> Tensor:
        content: Tensor = self.out(self.blocks(self.bridge(self.stack(self.enter(motion)))))
        return content


class SpeechContentEncoder(nn.Module):
    """Content (B, T, width) at 25 Hz of speech features (B, 2 T, F) at 50 Hz (the paper's E_a).

    The paper fine-tunes wav2vec2's transformer; ours applies Conformer blocks to phonetic features that are
    nearly speaker-independent. No instance norm: it would make a frame depend on where its window ends.
    """

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        sizes = (config.width, config.heads, config.hidden, config.kernel, config.dropout, config.reach)
        self.subsampler = Subsampler(config.feature_size, config.width)
        self.blocks = nn.Sequential(*(ConformerBlock(*sizes) for _ in range(config.speech_blocks)))
        # frames of fixed norm: gradient reversal would otherwise increase it without bound
        self.out = nn.Sequential(
            nn.Linear(config.width, config.width), nn.LayerNorm(config.width, elementwise_affine=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        content: Tensor = self.out(self.blocks(self.subsampler(features)))
        return content


def _transformer(config: MimicConfig, reach: int | None) -> nn.Sequential:
    sizes = (config.width, config.heads, config.hidden, config.dropout, reach)
    return nn.Sequential(*(TransformerBlock(*sizes) for _ in range(config.motion_blocks)))
