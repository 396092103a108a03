# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion inside the engine: the pose prior with the bundled bank or a user's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..audio.speech import SAMPLE_RATE, Speech
from ..face.basis import open_basis
from ..face.motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion
from ..pose.bank import Neighbour, PoseBank
from ..pose.own_bank import save_own_bank
from .request import BankRequest, BankResult, MotionRequest

if TYPE_CHECKING:
    from ..style.style import Style
    from ..tracking.reference import TrackedReference


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
    from ..pose.apply import pose_for
    from .models import heard_by, pose_generator

    generator = pose_generator()
    if request.pose.bank is not None:
        generator = generator.with_bank(PoseBank.load(request.pose.bank))
    heard = heard_by(generator, speech)
    if style is None:
        result = generator.generate(heard, None, request.pose_settings, progress)
        note = "No reference or style was given, so the head moves as an average person's."
        return MovedHead(_fitted(result.head, frames), (), (note,), generator.hash)
    posed = pose_for(still_motion(frames), heard, style, request.pose_settings, generator, progress)
    return MovedHead(posed.motion.head, posed.neighbours, (posed.note,) if posed.note else (), generator.hash)


def with_pose(style: Style, reference: TrackedReference) -> Style:
    """The style with its pose matrix, where the reference's sound can be used."""
    from ..pose.apply import pose_part
    from .models import pose_generator

    # 0 where there is no sound or it does not go with the mouth
    if reference.speech is None or not style.provenance.speech_seconds:
        return style
    return dataclasses.replace(style, pose=pose_part(reference.speech, style.head, pose_generator()))


def extend_bank(request: BankRequest, style: Style) -> BankResult:
    """Add the style to the bank file. Raises :class:`MimeshError`."""
    from ..pose.apply import bank_entry
    from .models import pose_generator

    generator = pose_generator()
    bank = PoseBank.load(request.bank) if request.bank.is_file() else generator.bank
    name = request.name or style.name
    entry = dataclasses.replace(bank_entry(style, generator), name=name, person=name)
    # refuses a bank of another prior
    extended = generator.with_bank(bank).bank.added(entry)
    save_own_bank(extended, request.bank)
    return BankResult(name, tuple(entry.name for entry in extended.entries))


def pose_hash() -> str:
    """Of the prior that a style's pose matrix is made with."""
    from .models import pose_generator

    return pose_generator().hash


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
