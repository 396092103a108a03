# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion on a finished face motion, from a style: the engine's door to this package."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ...face.motion import INTERNAL_FPS, Motion
from ...pose.bank import BankEntry, Codes, Neighbour
from ...pose.reference import PoseReference
from ...pose.statistics import pose_statistics
from ...pose.style_matrix import StyleMatrix
from ...settings import HeadSettings
from ...style.parts import PosePart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...audio.speech import Speech
    from ...style.style import Style
    from .generate import PoseGenerator
    from .speech_steps import SpeechFeatures


@dataclass(frozen=True, slots=True, eq=False)
class PosedMotion:
    """motion: with its head. neighbours: retrieved styles, nearest first. note: a sentence for the user, or empty.

    codes: as in ``PoseResult``.
    """

    motion: Motion
    neighbours: tuple[Neighbour, ...]
    note: str = ""
    codes: Codes = ()


def pose_for(
    motion: Motion,
    encoded: SpeechFeatures,
    style: Style,
    settings: HeadSettings,
    generator: PoseGenerator,
    progress: Callable[[float], None] = lambda fraction: None,
) -> PosedMotion:
    """``motion`` with head motion in the speaker's style, for speech encoded by ``generator.encode``.

    A style without a pose matrix (its clip had no sound, or it was saved by an older version) moves the head as its
    reference did. The same settings give the same head.
    """
    return pose_together([motion], [encoded], style, [settings], generator, progress)[0]


def pose_together(
    motions: Sequence[Motion],
    encoded: Sequence[SpeechFeatures],
    style: Style,
    settings: Sequence[HeadSettings],
    generator: PoseGenerator,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[PosedMotion]:
    """:func:`pose_for` for many lines in one style; their settings differ in the seed alone."""
    if any(motion.fps != INTERNAL_FPS for motion in motions):
        raise ValueError(f"heads are posed at {INTERNAL_FPS} fps")
    note = ""
    matrix = _matrix(style.pose, generator) if style.pose else None
    if matrix is None and settings[0].source == "bank" and not settings[0].follow:
        settings = [dataclasses.replace(chosen, source="reference") for chosen in settings]
        note = f"The style {style.name} has no pose matrix for this version: its head moves as in the reference."
    results = generator.generate_together(encoded, PoseReference(style.head, matrix), settings, progress)
    pairs = zip(motions, results, strict=True)
    return [
        PosedMotion(_turned(motion, result.head), result.neighbours, note, result.codes) for motion, result in pairs
    ]


def _turned(motion: Motion, made: NDArray[np.float32]) -> Motion:
    """The motion with this head, its last frame held for a frame or two that the sound does not cover."""
    head = np.zeros((len(motion), 3), np.float32)
    frames = min(len(head), len(made))
    head[:frames] = made[:frames]
    head[frames:] = made[frames - 1]
    return motion.replace(head=head)


def pose_part(speech: Speech, head: NDArray[np.floating], generator: PoseGenerator) -> PosePart:
    """What a style keeps of a reference: (T, 3) head at 25 fps in step with its speech."""
    matrix = generator.matrix(generator.encode(speech), head)
    return PosePart(
        matrix=matrix.rows,
        counts=matrix.counts,
        unit_hash=generator.units.hash,
        encoder_hash=generator.units.encoder_hash,
        prior_hash=generator.hash,
    )


def bank_entry(style: Style, generator: PoseGenerator) -> BankEntry:
    """A style as an entry for a bank: how users add their own clips, without training.

    Raises :class:`ModelError` where the style has no pose matrix of this version.
    """
    matrix = _matrix(style.pose, generator) if style.pose else None
    if matrix is None:
        raise ModelError(
            f"The style {style.name} has no pose matrix for this version.", "Fit it again from a clip with sound."
        )
    statistics = pose_statistics([style.head])
    return BankEntry(
        name=style.name,
        speaker=style.name,
        matrix=matrix,
        embedding=generator.embed(statistics),
        statistics=statistics.astype(np.float32),
        provenance=f"{style.provenance.source}, {style.provenance.seconds:.0f} s",
    )


def _matrix(part: PosePart, generator: PoseGenerator) -> StyleMatrix | None:
    made_for = (part.unit_hash, part.prior_hash)
    if made_for != (generator.units.hash, generator.hash):
        return None
    return StyleMatrix(part.matrix, part.counts)
