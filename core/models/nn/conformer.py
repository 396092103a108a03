# SPDX-License-Identifier: GPL-3.0-or-later
"""Conformer blocks (Gulati et al. 2020) as AdaMesh's expression network uses them.

One deliberate change: positions enter as a learned bias on the distance between frames (as in T5), clipped
at ``MAX_DISTANCE``, where the release adds sinusoids without the relative shift. A bias on distance makes a
window in the middle of a long speech behave like one at its start, which windowed generation relies on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...checkpoint import checkpoint

MAX_DISTANCE = 48


class FeedForward(nn.Module):
    """Half-step feed-forward: LayerNorm, expand, Swish, contract."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.contract(functional.silu(self.expand(self.norm(x)))))


class RelativeAttention(nn.Module):
    """Multi-head self-attention with a learned bias per head and clipped frame distance.

    reach: frames on each side that a frame attends to; None is all. Lip motion depends on the sounds nearby; with few
    speakers in the training data, attention over a whole sentence overfits.
    """

    def __init__(self, width: int, heads: int, dropout: float, reach: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.reach = reach
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(heads, 2 * MAX_DISTANCE + 1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, width = x.shape
        x = self.norm(x)

        def split(projected: Tensor) -> Tensor:
            return projected.view(batch, frames, self.heads, -1).transpose(1, 2)

        attended = functional.scaled_dot_product_attention(
            split(self.query(x)), split(self.key(x)), split(self.value(x)), attn_mask=self._distance_bias(frames)
        )
        return self.dropout(self.out(attended.transpose(1, 2).reshape(batch, frames, width)))

    def _distance_bias(self, frames: int) -> Tensor:
        position = torch.arange(frames, device=self.bias.device)
        distance = position[None, :] - position[:, None]
        bias = self.bias[:, distance.clamp(-MAX_DISTANCE, MAX_DISTANCE) + MAX_DISTANCE]
        if self.reach is None:
            return bias
        return bias.masked_fill(distance.abs() > self.reach, -torch.inf)


class ConvolutionModule(nn.Module):
    """Pointwise, gate, depthwise over time, BatchNorm, Swish, pointwise."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.pointwise_in = nn.Conv1d(width, 2 * width, 1)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.batch_norm = nn.BatchNorm1d(width)
        self.pointwise_out = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        channels = functional.glu(self.pointwise_in(self.norm(x).transpose(1, 2)), dim=1)
        channels = functional.silu(self.batch_norm(self.depthwise(channels)))
        return self.dropout(self.pointwise_out(channels).transpose(1, 2))


class ConformerBlock(nn.Module):
    """Half feed-forward, attention, convolution, half feed-forward, LayerNorm; pre-norm and residual."""

    def __init__(
        self, width: int, heads: int, hidden: int, kernel: int, dropout: float, reach: int | None = None
    ) -> None:
        super().__init__()
        self.feed_forward_in = FeedForward(width, hidden, dropout)
        self.attention = RelativeAttention(width, heads, dropout, reach)
        self.convolution = ConvolutionModule(width, kernel, dropout)
        self.feed_forward_out = FeedForward(width, hidden, dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        checkpoint()
        x = x + 0.5 * self.feed_forward_in(x)
        x = x + self.attention(x)
        x = x + self.convolution(x)
        x = x + 0.5 * self.feed_forward_out(x)
        return self.norm(x)
