# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion inside the engine: the pose prior with the bundled bank or a user's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SAMPLE_RATE, Speech
from ...exchange.request import BankRequest, MotionRequest
from ...exchange.results import BankResult
from ...face.basis import open_basis
from ...face.motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion
from ...pose.bank import Neighbour, PoseBank
from ...pose.user_bank import save_user_bank
from ...weights import file_hash

if TYPE_CHECKING:
    from ...models.pose.generate import PoseGenerator
    from ...style.style import Style
    from ...tracking.reference import TrackedReference

# as in core.models.pose.prior, which needs torch: a studio's own prior lies beside its bank under this name
PRIOR_FILE = "pose_prior.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class MovedHead:
    """head: (T, 3) radians relative to rest. neighbours: nearest first. pose_hash: of the prior."""

    head: NDArray[np.float32]
    neighbours: tuple[Neighbour, ...]
    notes: tuple[str, ...]
    pose_hash: str


def move_head(
    request: MotionRequest, speech: Speech, style: Style | None, frames: int, progress: Callable[[float], None]
) -> MovedHead:
    """Head motion for ``frames`` at 25 fps, in the manner of ``style``; without one, an average person's."""
    from ...models.pose.apply import pose_for
    from ..loaded import encoded_speech

    generator = _generator_with(request.head.bank)
    encoded = encoded_speech(generator, speech)
    if style is None:
        result = generator.generate(encoded, None, request.seeded_head, progress)
        note = "No reference or style was given, so the head moves as an average person's."
        return MovedHead(_fitted(result.head, frames), (), (note,), generator.hash)
    posed = pose_for(still_motion(frames), encoded, style, request.seeded_head, generator, progress)
    return MovedHead(posed.motion.head, posed.neighbours, (posed.note,) if posed.note else (), generator.hash)


def with_pose(style: Style, reference: TrackedReference, bank: Path | None = None) -> Style:
    """The style with its pose matrix by the prior of ``bank``, where the reference's sound can be used."""
    from ...models.pose.apply import pose_part

    # 0 where there is no sound or it does not go with the mouth
    if reference.speech is None or not style.provenance.speech_seconds:
        return style
    return dataclasses.replace(style, pose=pose_part(reference.speech, style.head, _generator_with(bank)))


def extend_bank(request: BankRequest, style: Style) -> BankResult:
    """Add the style to the bank file. Raises :class:`MimeshError`."""
    from ...models.pose.apply import bank_entry

    generator = _generator_with(begun_bank(request.bank))
    name = request.name or style.name
    entry = dataclasses.replace(bank_entry(style, generator), name=name, person=name)
    extended = generator.bank.added(entry)
    save_user_bank(extended, request.bank)
    return BankResult(name, tuple(entry.name for entry in extended.entries))


def pose_hash(bank: Path | None = None) -> str:
    """Of the prior that a style's pose matrix is made with."""
    return _generator_with(bank).hash


def begun_bank(bank: Path) -> Path | None:
    """The bank's file where there is one yet, else None: the bundled bank, of which it will begin as a copy."""
    return bank if bank.is_file() else None


def _generator_with(bank: Path | None) -> PoseGenerator:
    """The prior that the bank was made by, which is the bundled one or lies beside the bank, and the bank.

    Raises :class:`ModelError` where neither fits.
    """
    from ..loaded import pose_generator, user_pose_generator

    generator = pose_generator()
    if bank is None:
        return generator
    chosen, beside = PoseBank.load(bank), bank.with_name(PRIOR_FILE)
    if chosen.prior_hash != generator.hash and beside.is_file() and file_hash(beside) == chosen.prior_hash:
        generator = user_pose_generator(beside, bank, chosen.prior_hash)
    return generator.with_bank(chosen)


def frames_of(speech: Speech) -> int:
    """How many frames a motion for this speech has."""
    return max(int(np.ceil(len(speech.samples) * INTERNAL_FPS / SAMPLE_RATE)), 1)


def still_motion(frames: int) -> Motion:
    """A face at rest, 25 fps, in the open basis."""
    basis = open_basis()
    zeros = np.zeros
    return Motion(
        fps=INTERNAL_FPS,
        expression=zeros((frames, EXPRESSION_SIZE), np.float32),
        jaw=zeros((frames, 3), np.float32),
        head=zeros((frames, 3), np.float32),
        gaze=zeros((frames, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )


def _fitted(head: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Exactly so many frames, the last one held."""
    return np.pad(head[:frames], ((0, max(frames - len(head), 0)), (0, 0)), mode="edge").astype(np.float32)
