# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGPT: which code comes next, given the codes before, the speech and a pose style (AdaMesh, section 3.3).

Six causal layers; the style sets scale and shift of every layer norm (AdaMesh only says that it enters every layer).
Attention reaches a fixed number of codes back and knows distances, not positions: so any length runs without a seam,
and the cache of the last keys and values gives exactly what a pass over the whole sequence gives.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# log widths stay within plus and minus this of the latents' typical spread
_WIDTH_RANGE = 3.0


@dataclass(frozen=True, slots=True)
class GptConfig:
    """Sizes. ``context``: codes that attention reaches back, itself included; ``style_size``: statistics per style.

    ``lookahead_steps``: steps of speech ahead of the pose that it may depend on, and as many behind. ``components``:
    of the mixture by which codes are scored.
    """

    speech_size: int
    style_size: int
    levels: int = 2
    code_size: int = 12
    layers: int = 6
    width: int = 96
    heads: int = 4
    context: int = 48
    speech_width: int = 32
    style_width: int = 48
    lookahead_steps: int = 2
    components: int = 4
    dropout: float = 0.2

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file's header."""
        return dataclasses.asdict(self)


@dataclass(slots=True, eq=False)
class GptCache:
    """Keys and values (1, heads, seen, width / heads) of each layer, the last ``context`` - 1 of them."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Modulation:
    """scale, shift: (B, 1, width) that a style gives to one layer norm (adaptive layer norm)."""

    scale: Tensor
    shift: Tensor

    def norm(self, hidden: Tensor) -> Tensor:
        """(B, P, width) normalised, then scaled and shifted."""
        return torch.addcmul(self.shift, functional.layer_norm(hidden, hidden.shape[-1:]), self.scale)


class PoseGpt(nn.Module):
    """Codes are interleaved: step 0 level 0, step 0 level 1, step 1 level 0 and so on."""

    latent_deviation: Tensor
    rest_latent: Tensor

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        # typical spread of each latent dimension, the unit of a step; and the latent of the rest pose
        self.register_buffer("latent_deviation", torch.ones(config.code_size))
        self.register_buffer("rest_latent", torch.zeros(config.code_size))
        self.style = _mlp(config.style_size, config.style_width, config.style_width)
        # unconditional style: in training in place of a dropped style, in sampling for classifier-free guidance
        self.no_style = nn.Parameter(torch.zeros(config.style_width))
        self.speech = _Speech(config)
        # for each level of the code before: its own vector, and the sum of its step so far
        self.enter = nn.ModuleList([_mlp(2 * config.code_size, width, width) for _ in range(config.levels)])
        self.start = nn.Parameter(torch.zeros(width))
        self.level = nn.Parameter(0.02 * torch.randn(config.levels, width))
        self.layers = nn.ModuleList([_Layer(config) for _ in range(config.layers)])
        # scale and shift of two norms a layer, and of the last one
        self.modulation = nn.Linear(config.style_width, (2 * config.layers + 1) * 2 * width)
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.bias)
        # pull of the step before; then weight, centre and log width of every component
        answers = config.code_size + config.components * (1 + 2 * config.code_size)
        self.leave = nn.ModuleList([_answer(width, answers) for _ in range(config.levels)])

    def embed_style(self, statistics: Tensor) -> Tensor:
        """(B, statistics) z-scored to (B, e)."""
        out: Tensor = self.style(statistics)
        return out

    def embed_codes(self, chosen: Tensor, so_far: Tensor) -> Tensor:
        """(B, N, L, d) vectors of chosen codes and sums of their step up to them, to (B, N * L, width) inputs.

        The first input is the start; the last code has no successor and is not among them.
        """
        both = torch.cat([chosen, so_far], dim=-1) / self.latent_deviation.repeat(2)
        steps = [layer(both[:, :, i]) for i, layer in enumerate(self.enter)]
        inputs = torch.stack(steps, dim=2).flatten(1, 2)
        return torch.cat([self.start.expand(len(inputs), 1, -1), inputs[:, :-1]], dim=1)

    def modulate(self, style: Tensor) -> list[Modulation]:
        """(B, e) style to scale and shift of every norm in turn, once per sequence."""
        every = self.modulation(style).view(len(style), 1, 2 * len(self.layers) + 1, 2, -1)
        return [Modulation(1 + every[:, :, i, 0], every[:, :, i, 1]) for i in range(every.shape[2])]

    def embed_code(self, level: int, chosen: Tensor, so_far: Tensor) -> Tensor:
        """(B, d) vectors of one code each and the sums of their step up to it, to the (B, 1, width) input after it."""
        both = torch.cat([chosen, so_far], dim=-1) / self.latent_deviation.repeat(2)
        return self.enter[level](both)[:, None]

    def forward(
        self, inputs: Tensor, speech: Tensor, norms: list[Modulation], cache: GptCache | None = None
    ) -> Tensor:
        """inputs (B, P, width), speech (B, P, width) of the same positions, norms: (B, P, width) states."""
        hidden = inputs + speech
        for index, layer in enumerate(self.layers):
            hidden = layer(hidden, norms[2 * index : 2 * index + 2], cache, index)
        return norms[-1].norm(hidden)

    def embed_speech(self, speech: Tensor) -> Tensor:
        """(B, N, speech_size) speech per step to (B, N * L, width), plus a vector per level."""
        embedded = self.speech(speech)
        return (embedded[:, :, None] + self.level).flatten(1, 2)

    def logits(self, level: int, states: Tensor, before: Tensor, so_far: Tensor, vectors: Tensor) -> Tensor:
        """(..., codes): how likely each of a level's codes (codes, d) is to come next.

        ``states`` (..., width); ``before`` (..., d): the latent of the step before, ``so_far`` (..., d): what the
        step's coarser levels have put together. A code is scored by where it leads: so_far + code, under a mixture of
        Gaussians around places between ``before`` and rest. So what is learnt at one code holds for its neighbours as
        well, which few recordings would never teach. Source: ours; AdaMesh only says that codes are predicted.
        """
        size, count = self.config.code_size, self.config.components
        answer = self.leave[level](states)
        pull, weight, centre, log_width = answer.split([size, count, count * size, count * size], dim=-1)
        shape = (*states.shape[:-1], count, size)
        # 0.88 of the way from rest to where the head was, before anything is learnt
        start = self.rest_latent + torch.sigmoid(pull + 2.0) * (before - self.rest_latent) - so_far
        centre = start[..., None, :] + centre.view(shape) * self.latent_deviation
        width = torch.exp(_WIDTH_RANGE * torch.tanh(log_width.view(shape) / _WIDTH_RANGE))
        precision = (width * self.latent_deviation) ** -2
        height = (
            torch.log_softmax(weight, dim=-1) - width.log().sum(dim=-1) - 0.5 * (precision * centre**2).sum(dim=-1)
        )
        # the square of (code - centre) / width, multiplied out: the large array is made once, by one product
        parts = torch.cat([-0.5 * precision, precision * centre, height[..., None]], dim=-1)
        powers = torch.cat([vectors**2, vectors, torch.ones_like(vectors[:, :1])], dim=-1)
        return torch.logsumexp(parts @ powers.T, dim=-2)


class _Speech(nn.Module):
    """Speech around a step, through a narrow bottleneck against overfitting: there are few head recordings."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        reach = config.lookahead_steps
        self.squeeze = nn.Linear(config.speech_size, config.speech_width)
        self.drop = nn.Dropout(config.dropout)
        self.around = nn.Conv1d(
            config.speech_width, config.width, 2 * reach + 1, padding=reach, padding_mode="replicate"
        )

    def forward(self, speech: Tensor) -> Tensor:
        squeezed = self.drop(functional.gelu(self.squeeze(speech)))
        out: Tensor = self.around(squeezed.transpose(1, 2)).transpose(1, 2)
        return out


class _Layer(nn.Module):
    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        self.queries = nn.Linear(config.width, 3 * config.width)
        self.bias = nn.Parameter(torch.zeros(config.heads, config.context))
        self.mix = nn.Linear(config.width, config.width)
        self.wide = nn.Linear(config.width, 4 * config.width)
        self.narrow = nn.Linear(4 * config.width, config.width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, norms: list[Modulation], cache: GptCache | None, index: int) -> Tensor:
        hidden = hidden + self.drop(self._attend(norms[0].norm(hidden), cache, index))
        inner = functional.gelu(self.wide(norms[1].norm(hidden)))
        out: Tensor = hidden + self.drop(self.narrow(inner))
        return out

    def _attend(self, hidden: Tensor, cache: GptCache | None, index: int) -> Tensor:
        batch, count, width = hidden.shape
        query, key, value = (
            part.view(batch, count, self.config.heads, -1).transpose(1, 2)
            for part in self.queries(hidden).chunk(3, dim=-1)
        )
        if cache is not None:
            key, value = _remember(cache, index, key, value, self.config.context - 1)
        mask = self._mask(count, key.shape[2])
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out: Tensor = self.mix(mixed.transpose(1, 2).reshape(batch, count, width))
        return out

    def _mask(self, queries: int, keys: int) -> Tensor:
        """(heads, queries, keys) learned bias by distance, minus infinity ahead and beyond the context."""
        if queries == 1:
            return self.bias[:, :keys].flip(1)[:, None]
        device = self.bias.device
        back = torch.arange(keys - queries, keys, device=device)[:, None] - torch.arange(keys, device=device)
        reach = self.bias[:, back.clamp(0, self.config.context - 1)]
        return reach.masked_fill((back < 0) | (back >= self.config.context), float("-inf"))


def _remember(cache: GptCache, index: int, key: Tensor, value: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Keys and values with those of the positions before; the cache keeps what the next position can reach."""
    if index < len(cache.keys):
        key = torch.cat([cache.keys[index], key], dim=2)
        value = torch.cat([cache.values[index], value], dim=2)
        cache.keys[index], cache.values[index] = key[:, :, -most:], value[:, :, -most:]
    else:
        cache.keys.append(key[:, :, -most:])
        cache.values.append(value[:, :, -most:])
    return key, value


def _answer(width: int, size: int) -> nn.Linear:
    """A linear layer with small weights and zero offsets."""
    layer = nn.Linear(width, size)
    nn.init.normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    return layer


def _mlp(size: int, width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, width), nn.GELU(), nn.Linear(width, out))
