# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic's four constraints, which keep style out of content and content out of style (docs/papers.md 2.2, rows 1-4).

s: style codes (B, S). c: motion content, a: speech content, both (B, T, W). All return one number.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CYCLE_MARGIN = 1.0


def style_classification(classifier: nn.Module, codes: Tensor, identity: Tensor) -> Tensor:
    """1, auxiliary style classifier: cross-entropy of C_s(s) with the identities (B,): a code tells whose it is.

    CE = mean over B of -log softmax(C_s(s))[identity].
    """
    return functional.cross_entropy(classifier(codes).float(), identity)


def inverse_classification(classifier: nn.Module, content: Tensor, identity: Tensor) -> Tensor:
    """2, auxiliary inverse classifier: CE(C_c(GRL(mean over t of c)), identity).

    The classifier learns to tell whose content it is; behind :func:`reversed_gradient` the encoder unlearns it.
    """
    return functional.cross_entropy(classifier(reversed_gradient(content.mean(dim=1))).float(), identity)


def content_contrast(speech: Tensor, motion: Tensor, log_scale: Tensor) -> Tensor:
    """3, content contrastive: symmetric InfoNCE, as in CLIP, between a_t and c_t over all frames of the batch.

    logits = exp(log_scale) * a_i . c_j of L2-normalised frames; (CE(logits, i) + CE(logits^T, i)) / 2 with i = j the
    right answer among B T frames.
    """
    heard = functional.normalize(speech.flatten(0, 1).float(), dim=-1)
    seen = functional.normalize(motion.flatten(0, 1).float(), dim=-1)
    logits = log_scale.exp() * heard @ seen.T
    own = torch.arange(len(logits), device=logits.device)
    return 0.5 * (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own))


def style_cycle(given: Tensor, again: Tensor) -> Tensor:
    """4a, latent cycle of style: 1 - cos(stopgrad s~, E_s(M~)), mean over B, where M~ = D(c, s~).

    given: s~, the styles of others that the decoder was told to use; again: read from what it made of them.
    """
    return (1.0 - functional.cosine_similarity(given.detach().float(), again.float(), dim=-1)).mean()


def content_cycle(given: Tensor, again: Tensor) -> Tensor:
    """4b, latent cycle of content: contrastive with margin between E_c(M~) and stopgrad c.

    x_i, y_j: whole sequences, flattened and L2-normalised; d_ij = |x_i - y_j|.
    (mean over i of d_ii^2 + mean over i != j of max(0, 1 - d_ij)^2) / 2 (Hadsell et al. 2006, equation 4).
    """
    y = functional.normalize(given.detach().flatten(1).float(), dim=-1)
    x = functional.normalize(again.flatten(1).float(), dim=-1)
    # of unit vectors; the floor keeps the root's slope finite where two are the same
    distance = (2.0 - 2.0 * x @ y.T).clamp_min(1e-8).sqrt()
    alike = (x - y).square().sum(dim=1).mean()
    apart = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    if not apart.any():
        return 0.5 * alike
    return 0.5 * (alike + (CYCLE_MARGIN - distance[apart]).clamp_min(0.0).square().mean())


def reversed_gradient(x: Tensor, factor: float = 1.0) -> Tensor:
    """x itself; gradients come back times -factor (gradient reversal layer, Ganin and Lempitsky 2015)."""
    reversed_: Tensor = _Reversal.apply(x, factor)  # type: ignore[no-untyped-call]
    return reversed_


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None
