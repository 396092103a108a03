# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples pose codes from PoseGPT: seeded, with temperature, top-p and classifier-free guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gpt import GptCache, PoseGpt

# guidance scale w, chosen on held-out speakers, see vendor_models/pose_prior.md
STYLE_GUIDANCE = 0.5
# a busy machine needs a tenth of a second for each
_POSITIONS_PER_WORD = 10


@dataclass(frozen=True, slots=True)
class Sampling:
    """How codes are drawn from the network's logits.

    temperature: divides the logits; 0 is the argmax. top_p: nucleus sampling, only the most likely codes with this
    total probability are drawn (Holtzman et al. 2020). seed: of the draws. guidance: scale w >= 0 of classifier-free
    guidance, log p(c | style) + w (log p(c | style) - log p(c)); 0 switches it off (Ho & Salimans 2022).
    AdaMesh does not say how it samples.
    """

    temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 0
    guidance: float = STYLE_GUIDANCE


@torch.inference_mode()
def sample_codes(
    gpt: PoseGpt,
    codebooks: Tensor,
    speech: Tensor,
    style: Tensor,
    sampling: Sampling,
    progress: Callable[[float], None] = lambda fraction: None,
) -> NDArray[np.int64]:
    """(N, S) z-scored speech steps and an (e,) style to (N, levels) codes of the (levels, codes, d) codebooks."""
    return sample_codes_together(gpt, codebooks, speech[None], style[None], [sampling], progress)[0]


@torch.inference_mode()
def sample_codes_together(
    gpt: PoseGpt,
    codebooks: Tensor,
    speech: Tensor,
    style: Tensor,
    samplings: Sequence[Sampling],
    progress: Callable[[float], None] = lambda fraction: None,
) -> NDArray[np.int64]:
    """(B, N, S) speech of B lines of one length and (B, e) styles to (B, N, levels) codes, each line as if alone.

    samplings: one for each line, all with the same guidance.
    """
    lines, guidance = len(speech), samplings[0].guidance
    if any(sampling.guidance != guidance for sampling in samplings):
        raise ValueError("lines that are sampled together need the same guidance")
    twice = 2 if guidance else 1
    styles = torch.cat([style, gpt.no_style.expand(lines, -1)]) if guidance else style
    speech_states = gpt.embed_speech(speech).repeat(twice, 1, 1)
    levels, steps = gpt.config.levels, speech_states.shape[1]
    uniform = np.stack([np.random.default_rng(sampling.seed).random(steps) for sampling in samplings])
    codes = np.zeros((lines, steps), np.int64)
    cache, inputs, norms = GptCache(), gpt.start.expand(twice * lines, 1, -1), gpt.modulate(styles)
    before = so_far = gpt.rest_latent.expand(lines, -1)
    for position in range(steps):
        level = position % levels
        if level == 0:
            before, so_far = so_far, torch.zeros_like(so_far)
        state = gpt(inputs, speech_states[:, position : position + 1], norms, cache)[:, 0]
        behind = (before.repeat(twice, 1), so_far.repeat(twice, 1))
        logits = _guided(gpt.logits(level, state, *behind, codebooks[level]), guidance).cpu().numpy()
        codes[:, position] = draw_together(logits, samplings, uniform[:, position])
        chosen = codebooks[level, torch.from_numpy(codes[:, position]).to(codebooks.device)]
        so_far = so_far + chosen
        inputs = gpt.embed_code(level, chosen, so_far).repeat(twice, 1, 1)
        if position % _POSITIONS_PER_WORD == 0:
            progress(position / steps)
    return codes.reshape(lines, -1, levels)


def _guided(logits: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: (2 B, codes) logits, first with and then without style, to (B, codes)."""
    if not guidance:
        return logits
    styled, plain = logits.chunk(2)
    return styled + guidance * (styled - plain)


def draw(logits: NDArray[np.floating], sampling: Sampling, uniform: float) -> int:
    """One index of (codes,) logits, by a number in 0..1."""
    return int(draw_together(np.asarray(logits)[None], [sampling], np.array([uniform]))[0])


def draw_together(
    logits: NDArray[np.floating], samplings: Sequence[Sampling], uniform: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(B,) indices of (B, codes) logits, each by its own sampling and its own number (B,) in 0..1."""
    temperature = np.array([sampling.temperature for sampling in samplings])
    best = np.asarray(logits).argmax(axis=1)
    scaled = np.asarray(logits, np.float64) / np.where(temperature > 0.0, temperature, 1.0)[:, None]
    share = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    order = np.argsort(-share, axis=1, kind="stable")
    total = np.cumsum(np.take_along_axis(share, order, axis=1) / share.sum(axis=1, keepdims=True), axis=1)
    # the most likely code always stays
    top = np.array([sampling.top_p for sampling in samplings])[:, None]
    kept = np.minimum((total < top).sum(axis=1), total.shape[1] - 1)
    rows = np.arange(len(total))
    wanted = (uniform * total[rows, kept])[:, None]
    place = np.minimum((total < wanted).sum(axis=1), kept)
    return np.where(temperature > 0.0, order[rows, place], best)
