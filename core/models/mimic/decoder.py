# SPDX-License-Identifier: GPL-3.0-or-later
"""Content (B, T, width) and a style code (B, 128) to motion (B, T, 51), all frames at once."""

from __future__ import annotations

from torch import Tensor, nn

from .config import MimicConfig
from .layers import StyleAdaptiveNorm, StyledBlock
from .space import SPACE_SIZE


class MotionDecoder(nn.Module):
    """What :class:`~core.models.mimic.network.MimicNetwork` asks of a decoder."""

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """(B, T, width) content and (B, 128) codes to (B, T, 51) coordinates of landmark displacement."""
        raise NotImplementedError

    def forward_teacher_forced(self, content: Tensor, code: Tensor, motion: Tensor) -> Tensor:
        """Training's pass; the true ``motion`` (B, T, 51) is for a decoder that needs its own past."""
        decoded: Tensor = self(content, code)
        return decoded


class ParallelDecoder(MotionDecoder):
    """Styled blocks over the whole window; initialised to the neutral face (docs/papers.md 2.1: zero output layer)."""

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        self.enter = nn.Linear(config.width, config.width)
        self.blocks = nn.ModuleList(StyledBlock(config) for _ in range(config.decoder_blocks))
        self.norm = StyleAdaptiveNorm(config.width, config.code_size)
        self.out = resting_output(config.width)

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """(B, T, 51), every frame from the whole window."""
        hidden = self.enter(content)
        for block in self.blocks:
            hidden = block(hidden, code)
        motion: Tensor = self.out(self.norm(hidden, code))
        return motion


def resting_output(width: int) -> nn.Linear:
    """A zero-initialised linear layer: the neutral face for every input before training."""
    out = nn.Linear(width, SPACE_SIZE)
    nn.init.zeros_(out.weight)
    nn.init.zeros_(out.bias)
    return out
