# SPDX-License-Identifier: GPL-3.0-or-later
"""What a large encoder would make of a sound without its noise: a small network of convolutions behind it.

It sees what the encoder made of the noisy sound beside what the bundled encoder, whose features hold
in noise, makes of it, and adds a correction that was zero before training. Ours, not from a paper.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from .phonetic_network import ResidualBlock
from .prosody import PROSODY_SIZE


@dataclass(frozen=True, slots=True)
class NoiseConfig:
    """values: of the large encoder, which are corrected. other: of the bundled one, prosody not counted.

    ``dilations``: one residual block each, in frames of 20 ms.
    """

    values: int = 64
    other: int = 98
    width: int = 128
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4)

    def to_dict(self) -> dict[str, object]:
        """For the model file's metadata."""
        return asdict(self)

    @property
    def size(self) -> int:
        """Of an input frame: values, the bundled encoder's, prosody."""
        return self.values + self.other + PROSODY_SIZE


class NoiseNetwork(nn.Module):
    """(B, T, size) of a noisy sound to (B, T, values + 4): values and prosody as the clean sound would have them.

    scale: (size,) what every input is multiplied by, one over its spread.
    """

    scale: Tensor

    def __init__(self, config: NoiseConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("scale", torch.ones(config.size))
        self.narrow = nn.Linear(config.size, width)
        self.blocks = nn.Sequential(*(ResidualBlock(width, config.kernel, d, 0.0) for d in config.dilations))
        self.correction = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.values + PROSODY_SIZE))
        for parameter in self.correction[1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> Tensor:
        kept = torch.cat([features[..., : self.config.values], features[..., -PROSODY_SIZE:]], dim=-1)
        corrected: Tensor = kept + self.correction(self.blocks(self.narrow(features * self.scale)))
        return corrected
