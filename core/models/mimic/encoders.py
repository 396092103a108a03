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
    """How somebody moves: (B, T, 51) of any length to one code (B, 128) (paper: E_s).

    Its norms act on one frame's channels, so that amplitude and resting face survive. Over time the paper takes the
    mean of the last layer; ours takes its mean and deviation, and beside them how the motion's own statistics differ
    from what is expected of the average talker: that need not be learnt from nine faces.
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
        """regions: (51, R) to the signals of ``expected``, which has one row or one for each of the batch."""
        frames = self.blocks(self.bridge(self.stack(self.enter(motion - expected.mean[:, None]))))
        own = MotionStatistics.of(motion, regions).relative_to(expected)
        code: Tensor = self.out(torch.cat([over_time(frames), own], dim=1))
        return code


class MotionContentEncoder(nn.Module):
    """What the face says: (B, T, 51) to (B, T, width), instance norms in place of layer norms (paper: E_c).

    The transformer's blocks make constants and amplitudes again out of what the first norms left, so the last layer is
    an instance norm too. It also keeps the reversed gradient from making content longer without end.
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
    """What the voice says: features (B, 2 T, F) at 50 Hz to (B, T, width) at 25 Hz (paper: E_a).

    The paper trains wav2vec2's transformer; ours reads the phonetic encoder's features, which are already hardly the
    speaker's, through Conformer blocks. No instance norm: it would make a frame depend on where its window ends.
    """

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        sizes = (config.width, config.heads, config.hidden, config.kernel, config.dropout, config.reach)
        self.subsampler = Subsampler(config.feature_size, config.width)
        self.blocks = nn.Sequential(*(ConformerBlock(*sizes) for _ in range(config.speech_blocks)))
        # content frames of fixed length: the reversed gradient would make them longer without end
        self.out = nn.Sequential(
            nn.Linear(config.width, config.width), nn.LayerNorm(config.width, elementwise_affine=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        content: Tensor = self.out(self.blocks(self.subsampler(features)))
        return content


def _transformer(config: MimicConfig, reach: int | None) -> nn.Sequential:
    sizes = (config.width, config.heads, config.hidden, config.dropout, reach)
    return nn.Sequential(*(TransformerBlock(*sizes) for _ in range(config.motion_blocks)))
