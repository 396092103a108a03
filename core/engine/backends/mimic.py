# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic: a decoder conditioned on a style code, which is read from a reference's motion in one pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ...style.likeness import LikenessCorrection, corrected_motion
from ...style.parts import MimicPart
from ...weights import bundled, is_bundled
from .base import ChosenStyles, short_noise

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...face.motion import Motion
    from ...models.mimic.generate import MimicGenerator
    from ...style.style import Style
    from ...tracking.reference import TrackedReference
    from ..context import EngineContext


@dataclass(frozen=True, slots=True, eq=False)
class MimicBackend:
    """:class:`~core.engine.backends.base.Backend` of Mimic's networks: nothing is trained."""

    generator: MimicGenerator

    @classmethod
    def load(cls, context: EngineContext) -> Self:
        """The networks, bundled or of the pack. Raises :class:`ModelError` where they are missing or damaged."""
        from ...models.mimic.generate import MIMIC_FILE, MimicGenerator
        from ...models.speech.registry import weights_file

        path = context.pack.file(MIMIC_FILE) if context.pack else None
        if path is None:
            own = weights_file(MIMIC_FILE, context.choice)
            # where an encoder has none the bundled weights use their own encoder
            file = own if is_bundled(own) else MIMIC_FILE
            if not is_bundled(file):
                raise ModelError(
                    f"Mimic's network ({file}) is not installed.", "Choose AdaMesh, or install the extension again."
                )
            path = bundled(file)
        return cls(MimicGenerator.load(context.device, path, encoder=context.encoder))

    @property
    def hash(self) -> str:
        """Of the weights file."""
        return self.generator.hash

    def warm(self) -> None:
        """Speak once."""
        self.generator.generate(short_noise(), None)

    def learn(self, reference: TrackedReference, style: Style, progress: Callable[[float], None]) -> Style:
        """The style with the (128,) code of the reference's motion, and what the person does otherwise in that code.

        Raises :class:`ReferenceClipError` for less than a second of it.
        """
        from ...models.affine.likeness import fit_alone

        # sound that does not go with the mouth says nothing of what the mouth should have done
        speech = reference.speech if style.provenance.speech_seconds else None
        code = self.generator.style_code(reference.motion, speech)
        likeness = None if speech is None else fit_alone(self.generator.generate(speech, code), reference)
        return dataclasses.replace(style, mimic=MimicPart(code, self.hash, likeness))

    def require(self, style: Style | None) -> None:
        """Raise :class:`ModelError` unless the style holds a code of these weights."""
        if style is not None:
            self._code(style)

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """On the line from the mean code (strength 0: exactly it) to that of the styles and past it."""
        return corrected_motion(
            self.generator.generate(speech, self._chosen_code(styles), progress), _likenesses(styles)
        )

    def speak_together(self, speeches: Sequence[Speech], styles: Sequence[ChosenStyles]) -> list[list[Motion]]:
        """:meth:`speak` for many lines in each of the styles, lines of one length in one pass of the networks."""
        made = self.generator.generate_together(speeches, [self._chosen_code(chosen) for chosen in styles])
        corrections = [_likenesses(chosen) for chosen in styles]
        return [[corrected_motion(*pair) for pair in zip(line, corrections, strict=True)] for line in made]

    def notes(self, style: Style | None) -> tuple[str, ...]:
        """The fit's warnings."""
        return style.provenance.warnings if style else ()

    def _chosen_code(self, styles: ChosenStyles) -> NDArray[np.float32] | None:
        """(128,), or None for the mean speaker's."""
        from ...models.mimic.codes import at_strength, mixed

        if styles.first is None or styles.strength == 0:
            return None
        code = self._code(styles.first)
        if styles.second is not None:
            code = mixed(code, self._code(styles.second), styles.mix)
        return at_strength(self.generator.mean_code, code, styles.strength)

    def _code(self, style: Style) -> NDArray[np.float32]:
        remedy = "Generate from its reference clip again, or choose AdaMesh."
        if style.mimic is None:
            raise ModelError(f"The style {style.name} has no Mimic code.", remedy)
        if style.mimic.model_hash != self.hash:
            raise ModelError(
                f"The Mimic code of the style {style.name} belongs to the weights {style.mimic.model_hash[:8]}, "
                f"but this version has {self.hash[:8]}.",
                remedy,
            )
        return style.mimic.code


def _likenesses(styles: ChosenStyles) -> list[tuple[LikenessCorrection | None, float]]:
    """What the styles' people do otherwise, and how much of each."""
    shares = ((styles.first, 1.0 - styles.mix), (styles.second, styles.mix))
    parts = ((style.mimic, share) for style, share in shares if style is not None and style.mimic is not None)
    return [(part.likeness, styles.strength * share) for part, share in parts]
