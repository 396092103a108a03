# SPDX-License-Identifier: GPL-3.0-or-later
"""The discrete pose prior: head rotation to codes and back (van den Oord et al. 2017, AdaMesh section 3.3).

AdaMesh gives neither sizes nor losses. Ours: one step covers 8 frames (0.32 s) and is coded in two levels, the
second one correcting the first (residual quantisation, Zeghidour et al. 2021): 6.25 codes a second. Everything is
convolution with its edges repeated, so any length runs in one pass, and a motionless head has equal latents.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...face.motion import INTERNAL_FPS
from .codebook import Quantised, ResidualCodebooks

# rotation vectors enter in units of this many radians (4 degrees: the spread of a lively head)
POSE_UNIT_RADIANS = 0.07


@dataclass(frozen=True, slots=True)
class VqConfig:
    """Sizes. ``frames_per_step``: frames at 25 fps that one latent covers; ``levels``: codes per latent."""

    frames_per_step: int = 8
    levels: int = 2
    codes: int = 1024
    code_size: int = 12
    width: int = 128
    dilations: tuple[int, ...] = (1, 2, 4)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file's header."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> VqConfig:
        """Inverse of :meth:`to_dict`."""
        return cls(**{**values, "dilations": tuple(values["dilations"])})

    @property
    def codes_per_second(self) -> float:
        """All levels together."""
        return INTERNAL_FPS / self.frames_per_step * self.levels


@dataclass(frozen=True, slots=True, eq=False)
class VqOutput:
    """head: (B, T, 3) radians, rebuilt. latent: (B, N, d) before quantisation. quantised: what it became."""

    head: Tensor
    latent: Tensor
    quantised: Quantised


class PoseVq(nn.Module):
    """Encoder, codebooks and decoder; T frames become N = ceil(T / frames_per_step) latents."""

    def __init__(self, config: VqConfig) -> None:
        super().__init__()
        self.config = config
        stride, width = config.frames_per_step, config.width
        # rotation and its change, three steps wide so that neighbours overlap
        self.enter = nn.Conv1d(6, width, 3 * stride, stride=stride)
        self.encoder = nn.Sequential(*[_Residual(width, dilation) for dilation in config.dilations])
        self.to_latent = nn.Conv1d(width, config.code_size, 1)
        self.codebooks = ResidualCodebooks(config.levels, config.codes, config.code_size)
        self.from_latent = nn.Conv1d(config.code_size, width, 3, padding=1, padding_mode="replicate")
        self.decoder = nn.Sequential(*[_Residual(width, dilation) for dilation in config.dilations])
        self.leave = nn.ConvTranspose1d(width, 3, 3 * stride, stride=stride, padding=stride)

    def forward(self, head: Tensor) -> VqOutput:
        """(B, T, 3) radians through the codes; in training mode the codebooks learn and gradients pass straight."""
        latent = self.encode(head)
        quantised = self.codebooks(latent)
        passed = latent + (quantised.vectors - latent).detach()
        return VqOutput(self.decode(passed)[:, : head.shape[1]], latent, quantised)

    def encode(self, head: Tensor) -> Tensor:
        """(B, T, 3) radians to (B, N, d) latents; an incomplete last step is filled by holding the last frame."""
        stride = self.config.frames_per_step
        pose = head.transpose(1, 2) / POSE_UNIT_RADIANS
        pose = functional.pad(pose, (stride, stride + (-pose.shape[2]) % stride), mode="replicate")
        # four frames of change weigh as much as the rotation itself
        change = 4 * torch.diff(pose, dim=2, prepend=pose[:, :, :1])
        hidden = self.encoder(self.enter(torch.cat([pose, change], dim=1)))
        return self.to_latent(hidden).transpose(1, 2)

    def encode_frames(self, head: Tensor) -> Tensor:
        """(T, 3) to (T, d): the latent of the step that begins at each frame, as if coding had begun there."""
        stride = self.config.frames_per_step
        frames = len(head)
        padded = functional.pad(head.T[None], (0, (-frames) % stride + stride), mode="replicate")[0].T
        length = len(padded) - stride
        shifted = torch.stack([padded[shift : shift + length] for shift in range(stride)])
        # (stride, N, d): frame n * stride + shift
        return self.encode(shifted).transpose(0, 1).reshape(length, -1)[:frames]

    def decode(self, vectors: Tensor) -> Tensor:
        """(B, N, d) quantised vectors to (B, N * frames_per_step, 3) radians."""
        hidden = self.decoder(self.from_latent(vectors.transpose(1, 2)))
        return self.leave(_held(hidden))[:, :, self._margin : -self._margin].transpose(1, 2) * POSE_UNIT_RADIANS

    @property
    def _margin(self) -> int:
        return self.config.frames_per_step


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.mix(functional.gelu(self.wide(functional.gelu(x))))
        return out


def _held(hidden: Tensor) -> Tensor:
    """One step more on both sides: the overlapping kernels of the last layer need neighbours."""
    return functional.pad(hidden, (1, 1), mode="replicate")
