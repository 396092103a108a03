# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sizes of wav2vec2/HuBERT speech encoder with random weights, from torch's own modules: for speed only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

# kernel and stride of the seven convolutions from 16 kHz to 50 Hz (Baevski et al. 2020)
_CONVOLUTIONS = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
_CHANNELS = 512


@dataclass(frozen=True, slots=True)
class TowerSize:
    """Width, layers, heads and hidden size of the transformer part."""

    width: int
    layers: int
    heads: int
    hidden: int


BASE = TowerSize(768, 12, 12, 3072)
LARGE = TowerSize(1024, 24, 16, 4096)


class SpeechTower(nn.Module):
    """Samples (1, N) at 16 kHz to features (1, T, width) at 50 Hz."""

    def __init__(self, size: TowerSize) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (kernel, stride) in enumerate(_CONVOLUTIONS):
            layers.append(nn.Conv1d(_CHANNELS if index else 1, _CHANNELS, kernel, stride, bias=False))
            layers += [nn.GroupNorm(_CHANNELS, _CHANNELS), nn.GELU()] if index == 0 else [nn.GELU()]
        self.convolutions = nn.Sequential(*layers)
        self.project = nn.Sequential(nn.LayerNorm(_CHANNELS), nn.Linear(_CHANNELS, size.width))
        self.positions = nn.Conv1d(size.width, size.width, 128, padding=64, groups=16)
        self.transformer = transformer_encoder(size)

    def forward(self, samples: Tensor) -> Tensor:
        frames = self.project(self.convolutions(samples[:, None]).transpose(1, 2))
        positions = nn.functional.gelu(self.positions(frames.transpose(1, 2))[..., : frames.shape[1]])
        hidden: Tensor = self.transformer(frames + positions.transpose(1, 2))
        return hidden


def transformer_encoder(size: TowerSize) -> nn.Module:
    """Plain layers one after the other."""
    layer = nn.TransformerEncoderLayer(
        size.width, size.heads, size.hidden, dropout=0.0, activation="gelu", batch_first=True
    )
    return nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)


def transformer_decoder(size: TowerSize) -> nn.TransformerDecoder:
    """Layers with self- and cross-attention."""
    layer = nn.TransformerDecoderLayer(
        size.width, size.heads, size.hidden, dropout=0.0, activation="relu", batch_first=True
    )
    return nn.TransformerDecoder(layer, size.layers)


def resampled(features: Tensor, frames: int) -> Tensor:
    """(1, T, D) features to another frame rate by linear interpolation."""
    moved: Tensor = nn.functional.interpolate(features.transpose(1, 2), size=frames, mode="linear", align_corners=True)
    return moved.transpose(1, 2)


def noise(seconds: float, seed: int = 0) -> Tensor:
    """(1, N) samples of 16 kHz noise."""
    return torch.randn(1, round(seconds * 16_000), generator=torch.Generator().manual_seed(seed)) * 0.1
