# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion, the same for every engine: the pose prior with the bundled bank of pose styles or a user's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ...face.resting import resting_motion
from ...pose.bank import BANK_FILE, PRIOR_FILE, Codes, Neighbour, PoseBank
from ...weights import file_hash

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...models.pose.generate import PoseGenerator
    from ...models.pose.speech_steps import SpeechFeatures
    from ...settings import HeadSettings
    from ...style.style import Style
    from ...tracking.reference import TrackedReference
    from ..context import EngineContext


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """head: (T, 3) rotation vectors in radians relative to rest, 25 fps. neighbours: retrieved styles, nearest first.

    notes: sentences for the user. prior_hash: of the pose prior. codes: of its codebook, a row for each step.
    """

    head: NDArray[np.float32]
    neighbours: tuple[Neighbour, ...]
    notes: tuple[str, ...]
    prior_hash: str
    codes: Codes = ()


@dataclass(slots=True, eq=False)
class HeadBackend:
    """The loaded pose prior; ``bank`` is a file of pose styles throughout, None the bundled one."""

    bundled: PoseGenerator
    context: EngineContext
    _own: dict[tuple[Path, Path, str], PoseGenerator] = field(default_factory=dict)
    # of the newest speech alone, by prior and sound: another take of the head encodes nothing
    _features: dict[tuple[str, str], SpeechFeatures] = field(default_factory=dict)

    @classmethod
    def load(cls, context: EngineContext) -> Self:
        """Prior and bank, bundled or of the pack, on the processor: their steps are many and small.

        Raises :class:`ModelError`.
        """
        from ...models.pose.generate import PoseGenerator

        own = {name: context.pack.file(name) if context.pack else None for name in (BANK_FILE, PRIOR_FILE)}
        # one without the other would not fit
        bank, prior = (own[BANK_FILE], own[PRIOR_FILE]) if all(own.values()) else (None, None)
        return cls(PoseGenerator.load(bank=bank, prior=prior, encoder=context.encoder), context)

    def hash(self, bank: Path | None = None) -> str:
        """Of the prior that a style's pose matrix is made with."""
        return self.generator(bank).hash

    def learn(self, reference: TrackedReference, style: Style, bank: Path | None = None) -> Style:
        """The style with its pose matrix by the prior of ``bank``, where the reference's sound can be used."""
        from ...models.pose.apply import pose_part

        # 0 where there is no sound or it does not go with the mouth
        if reference.speech is None or not style.provenance.speech_seconds:
            return style
        return dataclasses.replace(style, pose=pose_part(reference.speech, style.head, self.generator(bank)))

    def generate(
        self,
        speech: Speech,
        style: Style | None,
        frames: int,
        settings: HeadSettings,
        bank: Path | None,
        progress: Callable[[float], None],
    ) -> HeadMotion:
        """Head motion for ``frames`` at 25 fps in the speaker's style; without one, the mean speaker's."""
        return self.generate_together([speech], style, [frames], [settings], bank, progress)[0]

    def generate_together(
        self,
        speeches: Sequence[Speech],
        style: Style | None,
        frames: Sequence[int],
        settings: Sequence[HeadSettings],
        bank: Path | None,
        progress: Callable[[float], None],
    ) -> list[HeadMotion]:
        """:meth:`generate` for many lines in one style; their settings differ in the seed alone."""
        from ...models.pose.apply import pose_together

        generator = self.generator(bank)
        encoded = [self._encoded(generator, speech) for speech in speeches]
        if style is None:
            note = "No reference or style was given, so the head moves as an average person's."
            results = generator.generate_together(encoded, None, settings, progress)
            pairs = zip(results, frames, strict=True)
            return [
                HeadMotion(_fitted(made.head, count), (), (note,), generator.hash, made.codes) for made, count in pairs
            ]
        still = [resting_motion(count) for count in frames]
        posed = pose_together(still, encoded, style, settings, generator, progress)
        notes = [(made.note,) if made.note else () for made in posed]
        return [
            HeadMotion(made.motion.head, made.neighbours, said, generator.hash, made.codes)
            for made, said in zip(posed, notes, strict=True)
        ]

    def generator(self, bank: Path | None) -> PoseGenerator:
        """The prior that the bank was made by, which is the bundled one or lies beside the bank, and the bank.

        Raises :class:`ModelError` where neither fits.
        """
        if bank is None:
            return self.bundled
        chosen, beside = PoseBank.load(bank), bank.with_name(PRIOR_FILE)
        found = self.bundled
        if chosen.prior_hash != found.hash and beside.is_file() and file_hash(beside) == chosen.prior_hash:
            found = self._own_generator(beside, bank, chosen.prior_hash)
        return found.with_bank(chosen)

    def _own_generator(self, prior: Path, bank: Path, prior_hash: str) -> PoseGenerator:
        """A studio's own prior, whose file had this hash when it was asked for."""
        from ...models.pose.generate import PoseGenerator

        key = (prior, bank, prior_hash)
        if key not in self._own:
            generator = PoseGenerator.load(bank=bank, prior=prior, encoder=self.context.encoder)
            if generator.hash != prior_hash:
                raise ModelError(f"The pose prior {prior} has just been replaced.", "Try again.")
            self._own = {key: generator}
        return self._own[key]

    def _encoded(self, generator: PoseGenerator, speech: Speech) -> SpeechFeatures:
        key = (generator.hash, speech.hash)
        if key not in self._features:
            self._features = {key: generator.encode(speech)}
        return self._features[key]


def _fitted(head: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Exactly so many frames, the last one held."""
    return np.pad(head[:frames], ((0, max(frames - len(head), 0)), (0, 0)), mode="edge").astype(np.float32)
