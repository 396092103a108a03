# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of Mimic's networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...style.parts import MIMIC_CODE_SIZE

DECODERS = ("parallel", "autoregressive")


@dataclass(frozen=True, slots=True)
class MimicConfig:
    """Sizes of Mimic's four networks.

    As in the paper's release: width and code of 128. There, the motion encoders have 5 convolutions and 4 transformer
    layers, speech goes through wav2vec2, and the decoder is one autoregressive layer (docs/papers.md 2.1). Ours are
    smaller, and three Conformer blocks encode the phonetic features.

    reach: frames on each side that a block between speech (or motion content) and motion attends to; None: all. The
    style encoder sees everything. decoder: one of ``DECODERS``. period, span: frames, of the autoregressive decoder's
    positions and of its memory.
    """

    feature_size: int = 134
    code_size: int = MIMIC_CODE_SIZE
    width: int = 128
    heads: int = 4
    hidden: int = 256
    kernel: int = 7
    reach: int | None = 4
    motion_convolutions: int = 3
    motion_blocks: int = 2
    speech_blocks: int = 3
    decoder: str = "parallel"
    decoder_blocks: int = 4
    period: int = 30
    span: int = 150
    dropout: float = 0.15

    def __post_init__(self) -> None:
        if self.decoder not in DECODERS:
            raise ValueError(f"decoder is one of {DECODERS}, got {self.decoder!r}")
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} is not divisible by twice {self.heads} heads")
        if self.kernel % 2 == 0:
            raise ValueError(f"the kernel must be odd, got {self.kernel}")

    def to_dict(self) -> dict[str, int | float | str | None]:
        """For the model file's metadata."""
        return asdict(self)
