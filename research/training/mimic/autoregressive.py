# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's decoder, kept for an ablation: each frame from those before it, its own content, and the style.

One FaceFormer-like layer (docs/papers.md 2.1): causal self-attention with periodic positions and a stepwise linear
bias, cross-attention masked to the same frame, feed-forward, all three norms style-adaptive. Attention over one key is
that key's value, so the cross-attention is a projection of the frame's content.

Kept keys and values make a step cost the same however long the speech is; the release computes the whole past anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.mimic.config import PARALLEL, MimicConfig
from core.models.mimic.decoder import MotionDecoder, resting_output
from core.models.mimic.layers import StyleAdaptiveNorm
from core.models.mimic.space import SPACE_SIZE
from core.models.nn.conformer import FeedForward

AUTOREGRESSIVE = "autoregressive"
# frames at 25 fps: FaceFormer's period of positions and of the bias, and how far back attention sees
PERIOD_FRAMES = 30
SPAN_FRAMES = 150
# against exposure bias, true past frames are noised (deviation in the coordinates' unit) and a share is dropped
_TEACHER_NOISE = 0.3
_TEACHER_DROPOUT = 0.3


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys and values (B, heads, frames, width / heads) of the frames seen so far, at most the span."""

    keys: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Step:
    """One frame (B, 51) and the memory with it."""

    motion: Tensor
    memory: Memory


class AutoregressiveDecoder(MotionDecoder):
    """Generates frame by frame; trained with teacher forcing.

    period, span: frames, as the constants above.
    """

    def __init__(self, config: MimicConfig, period: int = PERIOD_FRAMES, span: int = SPAN_FRAMES) -> None:
        super().__init__()
        width = config.width
        self.config, self.period, self.span = config, period, span
        self.enter = nn.Linear(SPACE_SIZE, width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.attended = nn.Linear(width, width)
        self.content = nn.Sequential(nn.Linear(width, width), nn.Linear(width, width))
        self.feed_forward = FeedForward(width, config.hidden, config.dropout)
        self.feed_forward.norm = nn.Identity()  # type: ignore[assignment]
        self.norms = nn.ModuleList(StyleAdaptiveNorm(width, config.code_size) for _ in range(3))
        self.out = resting_output(width)

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """(B, T, 51) from the neutral face on, with a key-value cache."""
        previous = content.new_zeros(len(content), SPACE_SIZE)
        memory: Memory | None = None
        frames = []
        for index in range(content.shape[1]):
            step = self.step(previous, content[:, index], code, index, memory)
            previous, memory = step.motion, step.memory
            frames.append(previous)
        return torch.stack(frames, dim=1)

    def without_memory(self, content: Tensor, code: Tensor) -> Tensor:
        """What :meth:`forward` gives, each frame from its whole past anew: slow, to check the other against."""
        past = content.new_zeros(len(content), 1, SPACE_SIZE)
        for index in range(content.shape[1]):
            last = self._whole(past, content[:, : index + 1], code)[:, -1:]
            past = torch.cat([past, last], dim=1)
        return past[:, 1:]

    def forward_teacher_forced(self, content: Tensor, code: Tensor, motion: Tensor) -> Tensor:
        """Teacher forcing: all frames at once, each from the noised true ``motion`` (B, T, 51) before it."""
        past = functional.pad(motion, (0, 0, 1, 0))[:, :-1]
        if self.training:
            past = past + _TEACHER_NOISE * torch.randn_like(past)
            past = past * (torch.rand_like(past[:, :, :1]) >= _TEACHER_DROPOUT)
        return self._whole(past, content, code)

    def step(self, previous: Tensor, content: Tensor, code: Tensor, index: int, memory: Memory | None) -> Step:
        """Frame ``index`` from the one before (B, 51), its content (B, width) and the frames remembered."""
        hidden = self._entered(previous[:, None], index)
        normal = self.norms[0](hidden, code)
        keys, values = self._split(self.key(normal)), self._split(self.value(normal))
        if memory is not None:
            keys = torch.cat([memory.keys, keys], dim=2)[:, :, -self.span :]
            values = torch.cat([memory.values, values], dim=2)[:, :, -self.span :]
        distance = torch.arange(keys.shape[2] - 1, -1, -1, device=keys.device)[None]
        hidden = self._finished(hidden, normal, keys, values, self._bias(distance), content[:, None], code)
        return Step(self.out(hidden)[:, 0], Memory(keys, values))

    def _whole(self, past: Tensor, content: Tensor, code: Tensor) -> Tensor:
        frames = past.shape[1]
        hidden = self._entered(past, 0)
        normal = self.norms[0](hidden, code)
        place = torch.arange(frames, device=past.device)
        bias = self._bias(place[:, None] - place[None])
        keys, values = self._split(self.key(normal)), self._split(self.value(normal))
        motion: Tensor = self.out(self._finished(hidden, normal, keys, values, bias, content, code))
        return motion

    def _entered(self, past: Tensor, first: int) -> Tensor:
        """(B, N, 51) to hidden frames, with FaceFormer's periodic positions: sinusoids of frame modulo period."""
        place = (torch.arange(first, first + past.shape[1], device=past.device) % self.period).float()
        width = self.config.width
        rate = torch.exp(torch.arange(0, width, 2, device=past.device) * (-math.log(10000.0) / width))
        angle = place[:, None] * rate[None]
        positions = torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(len(place), width)
        hidden: Tensor = self.enter(past) + positions
        return hidden

    def _bias(self, distance: Tensor) -> Tensor:
        """(heads, ...) FaceFormer's: -slope * floor(distance / period), none for what is to come or past the span."""
        heads = self.config.heads
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1, device=distance.device) / heads)
        stepped = torch.div(distance, self.period, rounding_mode="floor")
        bias = -slopes.view(-1, *([1] * distance.ndim)) * stepped
        return bias.masked_fill((distance < 0) | (distance >= self.span), float("-inf"))

    def _finished(
        self, hidden: Tensor, normal: Tensor, keys: Tensor, values: Tensor, bias: Tensor, content: Tensor, code: Tensor
    ) -> Tensor:
        queries = self._split(self.query(normal))
        seen = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias.to(queries.dtype))
        hidden = hidden + self.attended(seen.transpose(1, 2).flatten(2))
        hidden = self.norms[1](hidden + self.content(content), code)
        return hidden + self.feed_forward(self.norms[2](hidden, code))

    def _split(self, projected: Tensor) -> Tensor:
        batch, frames, _ = projected.shape
        return projected.view(batch, frames, self.config.heads, -1).transpose(1, 2)


def decoder_of(config: MimicConfig) -> MotionDecoder | None:
    """The decoder that the configuration names, for :class:`MimicNetwork`; None is its own.

    Raises ValueError for another name.
    """
    if config.decoder == PARALLEL:
        return None
    if config.decoder == AUTOREGRESSIVE:
        return AutoregressiveDecoder(config)
    raise ValueError(f"decoder is {PARALLEL} or {AUTOREGRESSIVE}, got {config.decoder!r}")
