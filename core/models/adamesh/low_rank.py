# SPDX-License-Identifier: GPL-3.0-or-later
"""Low-rank pairs in parallel with one frozen layer: what MoLoRA adds to a Linear or Conv1d (docs/papers.md 1.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class LowRankMixture(nn.Module):
    """The pairs of one adapter on one layer: down_i (R_i, n k), up_i (m, R_i); zero as long as every up_i is."""

    def __init__(self, layer: nn.Linear | nn.Conv1d, ranks: tuple[int, ...], scales: tuple[float, ...]) -> None:
        super().__init__()
        self.scales = scales
        self.shape = layer.weight.shape
        out_size, fan_in = self.shape[0], math.prod(self.shape[1:])
        empty = layer.weight.new_zeros
        self.down = nn.ParameterList(nn.Parameter(empty(rank, fan_in)) for rank in ranks)
        self.up = nn.ParameterList(nn.Parameter(empty(out_size, rank)) for rank in ranks)

    def initialise(self, generator: torch.Generator) -> None:
        """Kaiming-uniform (a = sqrt 5, as LoRA has it) for down, zeros for up."""
        for down, up in zip(self.down, self.up, strict=True):
            bound = 1 / math.sqrt(down.shape[1])
            drawn = torch.rand(down.shape, generator=generator) * 2 * bound - bound
            down.data.copy_(drawn)
            up.data.zero_()

    def factors(self) -> tuple[Tensor, Tensor]:
        """The pairs side by side, scales included: (m, sum R) and (sum R, n k)."""
        up = torch.cat([scale * up for scale, up in zip(self.scales, self.up, strict=True)], dim=1)
        return up, torch.cat(list(self.down), dim=0)

    def delta(self) -> Tensor:
        """The change of the layer's weight, in its shape."""
        up, down = self.factors()
        return (up @ down).reshape(self.shape)


class AdaptedLayer(nn.Module):
    """A frozen Linear or Conv1d with named low-rank mixtures in parallel, of which at most one is active."""

    def __init__(self, base: nn.Linear | nn.Conv1d) -> None:
        super().__init__()
        self.base = base
        self.mixtures = nn.ModuleDict()
        self.active: str | None = None
        self.scale = 1.0
        self.merged: Tensor | None
        self.register_buffer("merged", None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.merged is not None:
            return self._apply_weight(x, self.merged, self.base.bias)
        out = self.base(x)
        mixture = self.mixture
        return out if mixture is None or self.scale == 0 else out + self.scale * self._low_rank(x, mixture)

    @property
    def mixture(self) -> LowRankMixture | None:
        """The active adapter's part here; None without one."""
        if self.active is None or self.active not in self.mixtures:
            return None
        mixture = self.mixtures[self.active]
        assert isinstance(mixture, LowRankMixture)
        return mixture

    @torch.no_grad()
    def refresh(self, merge: bool) -> None:
        """Keep W0 + scale dW ready, or forget it."""
        mixture = self.mixture
        self.merged = self.base.weight + self.scale * mixture.delta() if merge and mixture and self.scale else None

    def _low_rank(self, x: Tensor, mixture: LowRankMixture) -> Tensor:
        up, down = mixture.factors()
        if isinstance(self.base, nn.Linear):
            return functional.linear(functional.linear(x, down), up)
        # (R, n k) as R kernels over time, then (m, R) at every frame
        low = self._apply_weight(x, down.reshape(-1, *mixture.shape[1:]), None)
        return functional.conv1d(low, up[:, :, None])

    def _apply_weight(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        base = self.base
        if isinstance(base, nn.Linear):
            return functional.linear(x, weight, bias)
        return functional.conv1d(x, weight, bias, base.stride, base.padding, base.dilation)

    def extra_repr(self) -> str:
        ranks = {name: [len(down) for down in mixture.down] for name, mixture in self.mixtures.items()}  # type: ignore[union-attr]
        return f"ranks={ranks}, active={self.active}, scale={self.scale:g}, merged={self.merged is not None}"
