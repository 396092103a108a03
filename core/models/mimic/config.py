# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of Mimic's networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ...style.parts import MIMIC_CODE_SIZE

# the decoder that the product runs; others are experiments of research/
PARALLEL = "parallel"
# of the laboratory's decoder; files that were saved with the product once held them
_RETIRED = ("period", "span")


@dataclass(frozen=True, slots=True)
class MimicConfig:
    """Sizes of Mimic's four networks.

    As in the paper's release: width and code of 128. There, the motion encoders have 5 convolutions and 4 transformer
    layers, speech goes through wav2vec2, and the decoder is one autoregressive layer (docs/papers.md 2.1). Ours are
    smaller, and three Conformer blocks encode the phonetic features.

    reach: frames on each side that a block between speech (or motion content) and motion attends to; None: all. The
    style encoder sees everything. decoder: what kind of decoder the weights belong to.
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
    decoder: str = PARALLEL
    decoder_blocks: int = 4
    dropout: float = 0.15

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} is not divisible by twice {self.heads} heads")
        if self.kernel % 2 == 0:
            raise ValueError(f"the kernel must be odd, got {self.kernel}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`. Raises TypeError or ValueError on nonsense."""
        return cls(**{name: value for name, value in values.items() if name not in _RETIRED})

    def to_dict(self) -> dict[str, int | float | str | None]:
        """For the model file's metadata."""
        return asdict(self)
