# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's building blocks: norms that keep, strip or impose a style, and the blocks around them.

Attention, convolution and feed-forward are AdaMesh's (:mod:`..nn.conformer`); positions are a learned bias on the
distance of frames. The released code indexes its sinusoids along the batch instead of time, which leaves none.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..nn.conformer import ConvolutionModule, FeedForward, RelativeAttention
from .config import MimicConfig

_EPSILON = 1e-5


def over_time(x: Tensor) -> Tensor:
    """(B, T, C) to (B, 2 C): mean and deviation of every channel over its sequence (statistics pooling)."""
    # in single precision: the mean of many bfloat16 frames would be coarse
    values = x.float()
    mean = values.mean(dim=1)
    deviation = ((values - mean[:, None]).square().mean(dim=1) + _EPSILON).sqrt()
    return torch.cat([mean, deviation], dim=1)


class TemporalInstanceNorm(nn.Module):
    """Every channel of (B, T, C) to mean 0 and deviation 1 over its own sequence, without a gain or an offset.

    Removes a sequence's mean and amplitude, which carry style (Huang and Belongie 2017).
    """

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = over_time(x)[:, None].chunk(2, dim=2)
        return ((x.float() - mean) / deviation).to(x.dtype)


class StyleAdaptiveNorm(nn.Module):
    """SALN(h, s) = gamma(s) * (h - mean(h)) / deviation(h) + beta(s) over channels; gamma 1 and beta 0 at first.

    Source: docs/papers.md 2.1; Min et al. 2021 (Meta-StyleSpeech). h: (B, T, C), s: (B, S).
    """

    def __init__(self, width: int, code_size: int) -> None:
        super().__init__()
        self.affine = nn.Linear(code_size, 2 * width)
        nn.init.zeros_(self.affine.weight)
        with torch.no_grad():
            self.affine.bias.copy_(torch.cat([torch.ones(width), torch.zeros(width)]))

    def forward(self, h: Tensor, code: Tensor) -> Tensor:
        gain, offset = self.affine(code)[:, None].chunk(2, dim=-1)
        normal = functional.layer_norm(h, h.shape[-1:])
        return gain * normal + offset


class ConvolutionStack(nn.Module):
    """Convolutions of kernel 3 over time, each followed by ``norm`` and ReLU: (B, T, C) to the same."""

    def __init__(self, width: int, layers: int, norm: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1, bias=False) for _ in range(layers))
        self.norms = nn.ModuleList(norm() for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = functional.relu(norm(convolution(x.transpose(1, 2)).transpose(1, 2)))
        return x


class TransformerBlock(nn.Module):
    """Self-attention and feed-forward, pre-norm and residual."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, reach: int | None) -> None:
        super().__init__()
        self.attention = RelativeAttention(width, heads, dropout, reach)
        self.feed_forward = FeedForward(width, hidden, dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.feed_forward(x)


class StyledBlock(nn.Module):
    """Self-attention, convolution and feed-forward whose LayerNorms are style-adaptive."""

    def __init__(self, config: MimicConfig) -> None:
        super().__init__()
        width, dropout = config.width, config.dropout
        self.parts = nn.ModuleList(
            [
                RelativeAttention(width, config.heads, dropout, config.reach),
                ConvolutionModule(width, config.kernel, dropout),
                FeedForward(width, config.hidden, dropout),
            ]
        )
        for part in self.parts:
            part.norm = nn.Identity()
        self.norms = nn.ModuleList(StyleAdaptiveNorm(width, config.code_size) for _ in self.parts)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        for part, norm in zip(self.parts, self.norms, strict=True):
            x = x + part(norm(x, code))
        return x
