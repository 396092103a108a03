# SPDX-License-Identifier: GPL-3.0-or-later
"""Codebooks that follow their data: exponential averages instead of gradients, and dead codes start again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

DECAY = 0.99
# a code used less than this share of its fair part is dead
DEAD_SHARE = 0.03
# beginnings of a code sequence that are kept while the next level is searched, and how many while training
BEAM = 16
TRAINING_BEAM = 4


@dataclass(frozen=True, slots=True, eq=False)
class Quantised:
    """codes: (..., levels). vectors: (..., d) their sum. distances: (..., levels) left over after each level."""

    codes: Tensor
    vectors: Tensor
    distances: Tensor


class ResidualCodebooks(nn.Module):
    """``levels`` codebooks (codes, d), each one coding what the ones before it left over.

    Averages as in van den Oord et al. 2017, appendix A.1; dead codes are moved onto vectors of the batch (Dhariwal et
    al. 2020, Jukebox). Learns in training mode only.
    """

    vectors: Tensor
    counts: Tensor
    sums: Tensor
    started: Tensor

    def __init__(self, levels: int, codes: int, size: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(levels, codes, size))
        self.register_buffer("counts", torch.ones(levels, codes))
        self.register_buffer("sums", torch.zeros(levels, codes, size))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def forward(self, latent: Tensor) -> Quantised:
        """(..., d) to codes: of the few nearest ones of each level those whose sum over all levels comes closest."""
        residual = latent.detach().reshape(-1, latent.shape[-1])
        if self.training and not self.started:
            self._start(residual)
        codes = self.nearest(residual)[:, 0]
        distances = []
        for level in range(len(self.vectors)):
            left = residual - self.vectors[level][codes[:, level]]
            if self.training:
                self._learn(level, residual, codes[:, level])
            distances.append(left.norm(dim=-1))
            residual = left
        stacked = codes.reshape(*latent.shape[:-1], -1)
        return Quantised(stacked, self.look_up(stacked), torch.stack(distances, dim=-1).reshape(stacked.shape))

    def nearest(self, latent: Tensor, count: int = 1) -> Tensor:
        """(M, d) to (M, count, levels): the sums of codes that come closest, in order; ties go to the lower index.

        Level by level, keeping the best few beginnings.
        """
        residual = latent[:, None]
        codes = torch.zeros(len(latent), 1, 0, dtype=torch.long, device=latent.device)
        beam = min(max(TRAINING_BEAM if self.training else BEAM, count), self.vectors.shape[1])
        for level, vectors in enumerate(self.vectors):
            width = count if level == len(self.vectors) - 1 else beam
            # the nearest few codes of every beginning, then the best of all of these
            distance, code = _nearest(residual.flatten(0, 1), vectors, min(width, len(vectors)))
            each = code.shape[1]
            distance, code = distance.view(len(residual), -1), code.view(len(residual), -1)
            best = distance.topk(width, largest=False).indices
            parent, code = best // each, code.gather(1, best)
            beginnings = codes.gather(1, parent[..., None].expand(-1, -1, codes.shape[2]))
            codes = torch.cat([beginnings, code[..., None]], dim=2)
            residual = residual.gather(1, parent[..., None].expand(-1, -1, residual.shape[2])) - vectors[code]
        return codes

    def look_up(self, codes: Tensor) -> Tensor:
        """(..., levels) codes to (..., d) vectors."""
        return torch.stack([self.vectors[level][codes[..., level]] for level in range(len(self.vectors))]).sum(dim=0)

    def _start(self, residual: Tensor) -> None:
        every = torch.ones_like(self.counts[0], dtype=torch.bool)
        for level in range(len(self.vectors)):
            self._place(level, every, residual)
            residual = residual - self.vectors[level][torch.cdist(residual, self.vectors[level]).argmin(dim=1)]
        self.started.fill_(True)

    def _place(self, level: int, which: Tensor, residual: Tensor) -> None:
        """Put the chosen codes on random vectors of the batch, as if each had its fair share."""
        missing = int(which.sum())
        drawn = residual[torch.randint(len(residual), (missing,), device=residual.device)]
        # a little apart, where one vector is drawn twice
        drawn = drawn + 0.01 * residual.std() * torch.randn_like(drawn)
        share = self.counts[level].mean()
        self.vectors[level][which] = drawn
        self.sums[level][which] = drawn * share
        self.counts[level][which] = share

    def _learn(self, level: int, residual: Tensor, code: Tensor) -> None:
        count = torch.bincount(code, minlength=len(self.counts[level])).to(residual.dtype)
        total = torch.zeros_like(self.sums[level]).index_add_(0, code, residual)
        self.counts[level].mul_(DECAY).add_(count, alpha=1 - DECAY)
        self.sums[level].mul_(DECAY).add_(total, alpha=1 - DECAY)
        self.vectors[level] = self.sums[level] / self.counts[level].clamp_min(1e-6)[:, None]
        dead = self.counts[level] < DEAD_SHARE * self.counts[level].mean()
        if dead.any():
            self._place(level, dead, residual)


def _nearest(values: Tensor, vectors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(M, count) squared distances and indices of the vectors nearest to each of (M, d) values, in order."""
    # less the square of the value itself, which is the same for all codes; in place: the array is large
    distance = (values @ (-2 * vectors.T)).add_((vectors**2).sum(dim=1))
    # several times faster than topk
    best = distance.min(dim=1, keepdim=True) if count == 1 else distance.topk(count, largest=False)
    return best.values + (values**2).sum(dim=1, keepdim=True), best.indices
