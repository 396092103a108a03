# SPDX-License-Identifier: GPL-3.0-or-later
"""What adaptation takes and gives: its settings, its report, and the adapter of one speaker."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...style.likeness import LikenessCorrection
from ..affine.likeness import LikenessSettings
from .finetune import TuneSettings
from .model_selection import SelectionSettings
from .molora import MoloraSettings
from .residual_correction import ResidualCorrection

DECODER = ("decoder",)


@dataclass(frozen=True, slots=True)
class AdaptationSettings:
    """How a network is adapted to one speaker.

    molora, tune, selection: the low-rank update, its training, and its model selection. Where only the decoder is
    adapted, what the audio and style encoders give is computed once. limit_seconds: a longer
    reference is represented by evenly spread segments of this total length. style: whether a style embedding is read
    too. residual: whether a residual affine correction is fitted after the update. likeness: how what the person does
    at alike moments is fitted after that, None for not at all. seed: of every random draw.
    """

    molora: MoloraSettings = field(default_factory=lambda: MoloraSettings(within=DECODER))
    tune: TuneSettings = field(default_factory=TuneSettings)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    limit_seconds: float = 60.0
    style: bool = True
    residual: bool = True
    likeness: LikenessSettings | None = field(default_factory=LikenessSettings)
    seed: int = 20261122

    @property
    def freezes_encoders(self) -> bool:
        """Whether everything before the decoder stays as it is."""
        return self.molora.within == DECODER


@dataclass(frozen=True, slots=True)
class AdaptationReport:
    """What model selection measured, for the user and for the benchmark.

    seconds: of the reference. steps: selected training steps, 0 for no update. style_strength: selected strength of
    the style embedding. agreement: correlation of the base's lip gap with the tracked one. base_mm, adapted_mm:
    held-out lip error without and with what was selected. warnings: sentences for the user.
    """

    seconds: float
    steps: int
    style_strength: float
    agreement: float
    base_mm: float
    adapted_mm: float
    compute_seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionAdapter:
    """One speaker's style for one base network.

    arrays: the low-rank update by name (:meth:`Molora.state`), empty where there is none; scale: its selected scale.
    style_embedding: (width,), zero where it does not help. residual: the residual affine correction after both.
    likeness: the correction after all, None where nothing could be learnt from the sound. The user's style strength
    multiplies all of them. base_hash: of the base network's file.
    """

    arrays: dict[str, NDArray[np.float32]]
    ranks: tuple[int, ...]
    scale: float
    style_embedding: NDArray[np.float32]
    residual: ResidualCorrection
    base_hash: str
    report: AdaptationReport
    likeness: LikenessCorrection | None = None
