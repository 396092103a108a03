# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws pose codes from PoseGPT, one after the other: seeded, with temperature and top-p."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gpt import GptCache, PoseGpt


@dataclass(frozen=True, slots=True)
class Sampling:
    """temperature 0 always takes the most likely code. top_p: only codes that together are so likely are drawn.

    Source of top-p: Holtzman et al. 2020. AdaMesh does not say how it samples.
    """

    temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 0


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
    heard = gpt.hear(speech[None])
    levels = gpt.config.levels
    uniform = np.random.default_rng(sampling.seed).random(heard.shape[1])
    codes = np.zeros(heard.shape[1], np.int64)
    cache, inputs, norms = GptCache(), gpt.start.expand(1, 1, -1), gpt.modulate(style[None])
    before = so_far = gpt.rest_latent
    for position in range(heard.shape[1]):
        level = position % levels
        if level == 0:
            before, so_far = so_far, torch.zeros_like(so_far)
        state = gpt(inputs, heard[:, position : position + 1], norms, cache)[0, 0]
        logits = gpt.logits(level, state, before, so_far, codebooks[level]).cpu().numpy()
        codes[position] = draw(logits, sampling, float(uniform[position]))
        chosen = codebooks[level, codes[position]]
        so_far = so_far + chosen
        inputs = gpt.embed_code(level, chosen, so_far)
        if position % 100 == 0:
            progress(position / heard.shape[1])
    return codes.reshape(-1, levels)


def draw(logits: NDArray[np.floating], sampling: Sampling, uniform: float) -> int:
    """One index of (codes,) logits, by a number in 0..1."""
    if sampling.temperature <= 0.0:
        return int(logits.argmax())
    scaled = np.asarray(logits, np.float64) / sampling.temperature
    share = np.exp(scaled - scaled.max())
    order = np.argsort(-share, kind="stable")
    total = np.cumsum(share[order] / share.sum())
    # the most likely code always stays
    kept = max(int(np.searchsorted(total, sampling.top_p)) + 1, 1)
    kept = min(kept, len(order))
    return int(order[np.searchsorted(total[:kept], uniform * total[kept - 1])])
