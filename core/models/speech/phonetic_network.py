# SPDX-License-Identifier: GPL-3.0-or-later
"""The phonetic network: log-mel at 100 Hz to phones and articulation at 50 Hz, for any speaker.

Everything is a convolution or acts on single frames, so long speech in overlapping pieces gives what one pass gives.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .articulation import ARPABET, FEATURES
from .mel import BANDS

FEATURE_SIZES = tuple(len(feature.classes) for feature in FEATURES)


@dataclass(frozen=True, slots=True)
class PhoneticConfig:
    """Sizes. ``dilations``: one residual block each, in frames of 20 ms.

    teacher_size: values of a large encoder that the network learnt to predict; where there are any, the face
    networks read them, and the bottleneck serves the phones alone.
    """

    width: int = 256
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 1)
    bottleneck: int = 96
    dropout: float = 0.1
    teacher_size: int = 0

    def to_dict(self) -> dict[str, object]:
        """For the model file's metadata."""
        return asdict(self)

    @property
    def dimension(self) -> int:
        """Length of a feature frame: the leading values and every articulation class."""
        return self.leading + sum(FEATURE_SIZES)

    @property
    def leading(self) -> int:
        """How many values of a frame come before the articulation's."""
        return self.teacher_size or self.bottleneck

    @property
    def context_frames(self) -> int:
        """How many 20 ms frames on each side can change a frame (the two-fold stem included)."""
        return (self.kernel // 2) * sum(self.dilations) + 3


@dataclass(frozen=True, slots=True)
class PhoneticOutput:
    """bottleneck: (B, T, 96). phones: (B, T, 40) logits. articulation: one (B, T, classes) of logits per feature.

    teacher: (B, T, 64) predicted values of the large encoder, (B, T, 0) for a network that had no such teacher.
    """

    bottleneck: Tensor
    teacher: Tensor
    phones: Tensor
    articulation: tuple[Tensor, ...]

    @property
    def features(self) -> Tensor:
        """(B, T, dimension): what the face networks read, leading values beside the articulation's probabilities."""
        leading = self.teacher if self.teacher.shape[2] else self.bottleneck
        return torch.cat([leading, *(logits.softmax(dim=2) for logits in self.articulation)], dim=2)


class ResidualBlock(nn.Module):
    """LayerNorm, dilated convolution, GELU, pointwise, added to its input."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.spread = nn.Conv1d(width, width, kernel, padding=kernel // 2 * dilation, dilation=dilation)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.gelu(self.spread(self.norm(x).transpose(1, 2))).transpose(1, 2)
        return x + self.dropout(self.mix(hidden))


class PhoneticNetwork(nn.Module):
    """(B, 2 T, 80) normalised log-mel to :class:`PhoneticOutput` of T frames; frame i is centred on mel frame 2 i."""

    def __init__(self, config: PhoneticConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Conv1d(BANDS, width, 5, padding=2)
        self.halve = nn.Conv1d(width, width, 5, stride=2, padding=2)
        self.blocks = nn.Sequential(
            *(ResidualBlock(width, config.kernel, dilation, config.dropout) for dilation in config.dilations)
        )
        self.narrow = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, config.bottleneck), nn.LayerNorm(config.bottleneck)
        )
        self.phones = nn.Sequential(nn.GELU(), nn.Linear(config.bottleneck, len(ARPABET)))
        self.articulation = nn.Sequential(nn.GELU(), nn.Linear(config.bottleneck, sum(FEATURE_SIZES)))
        self.teacher_head = (
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.teacher_size)) if config.teacher_size else None
        )

    def forward(self, mel: Tensor) -> PhoneticOutput:
        hidden = functional.gelu(self.halve(functional.gelu(self.stem(mel.transpose(1, 2))))).transpose(1, 2)
        hidden = self.blocks(hidden)
        bottleneck = self.narrow(hidden)
        teacher = self.teacher_head(hidden) if self.teacher_head is not None else hidden[:, :, :0]
        articulation = self.articulation(bottleneck).split(FEATURE_SIZES, dim=2)
        return PhoneticOutput(bottleneck, teacher, self.phones(bottleneck), tuple(articulation))
