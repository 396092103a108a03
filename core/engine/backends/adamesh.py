# SPDX-License-Identifier: GPL-3.0-or-later
"""AdaMesh: a base network of the mean speaker, adapted to a person by a low-rank update trained on the reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from ...face.motion import MOTION_SIZE, Motion
from ...models.affine.apply import apply_style
from ...style.likeness import corrected_motion
from ...style.parts import ExpressionPart
from ...style.style import Style
from .base import ChosenStyles, ignore_fraction, short_noise

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...models.adamesh.generate import ExpressionGenerator
    from ...tracking.reference import TrackedReference
    from ..context import EngineContext


# speeches of which the mean speaker's motion is kept: a reference's, and a line's
_MEANS = 2


@dataclass(frozen=True, slots=True, eq=False)
class AdaMeshBackend:
    """:class:`~core.engine.backends.base.Backend` of AdaMesh's expression network."""

    generator: ExpressionGenerator
    # by the sound: a style is held against the mean speaker more than once
    _mean: dict[str, Motion] = field(default_factory=dict)

    @classmethod
    def load(cls, context: EngineContext) -> Self:
        """The base network, bundled or of the pack. Raises :class:`ModelError` where it is missing or damaged."""
        from ...models.adamesh.generate import EXPRESSION_FILE, ExpressionGenerator

        path = context.weights(EXPRESSION_FILE)
        return cls(ExpressionGenerator.load(context.device, path, encoder=context.encoder))

    @property
    def hash(self) -> str:
        """Of the base network's file."""
        return self.generator.hash

    def warm(self) -> None:
        """Speak once."""
        self.generator.generate(short_noise())

    def learn(self, reference: TrackedReference, style: Style, progress: Callable[[float], None]) -> Style:
        """The style with the low-rank update and the embedding trained on the reference, in some seconds.

        They take the place of the fitted gain and offset. Raises what ``progress`` raises, with the base network
        as it was.
        """
        from ...models.adamesh.adaptation import adapt
        from ...models.adamesh.identity import identity_vector

        adapter = adapt(self.generator, reference, progress=progress)
        part = ExpressionPart(
            adapter=adapter.arrays,
            ranks=adapter.ranks,
            scale=adapter.scale,
            base_hash=adapter.base_hash,
            style_embedding=adapter.style_embedding,
            gain=adapter.residual.gain,
            offset=adapter.residual.offset,
            identity=identity_vector(reference.neutral, self.generator.basis),
            likeness=adapter.likeness,
        )
        # the fit's own warning is about gain and offset
        known = reference.report.warnings
        warnings = (*known, *(line for line in adapter.report.warnings if reference.speech is not None or not known))
        provenance = dataclasses.replace(style.provenance, warnings=warnings)
        return dataclasses.replace(_spoken_by(style, part), provenance=provenance)

    def first_style(self, reference: TrackedReference, style: Style) -> Style:
        """The style with what the person does otherwise at moments like those of the reference; nothing is trained."""
        from ...models.affine.likeness import fit_alone

        # 0 where there is no sound or it does not go with the mouth
        if reference.speech is None or not style.provenance.speech_seconds:
            return style
        fitted = fit_alone(self._mean_motion(reference.speech, ignore_fraction), reference)
        if fitted is None:
            return style
        nothing = np.zeros(1, np.float32)
        return _spoken_by(style, ExpressionPart({}, (), 0.0, self.hash, nothing, nothing, likeness=fitted))

    def require(self, style: Style | None) -> None:
        """Any style will do: what does not fit is left out, and a note says so."""

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """In the first style; :class:`MotionRequest` refuses a second. Strength 0 is exactly the base."""
        motion = self._adapted_motion(speech, styles, progress)
        return apply_style(motion, styles.first, styles.strength)

    def _adapted_motion(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """By the base and the style's low-rank update; by the plain base where there is none of these weights."""
        part = styles.first.expression if styles.first else None
        if part is None or part.base_hash != self.hash or styles.strength == 0:
            return self._mean_motion(speech, progress)
        if part.likeness is not None and part.likeness.learnt_share == 0:
            return corrected_motion(self._mean_motion(speech, progress), [(part.likeness, styles.strength)])
        from ...models.adamesh.residual_correction import ResidualCorrection
        from ...models.adamesh.styled_network import LearntStyle, speak_in_style

        residual = ResidualCorrection(part.gain, part.offset)
        learnt = LearntStyle(part.adapter, part.scale, part.style_embedding, residual, part.likeness)
        return speak_in_style(self.generator, self.generator.features(speech), learnt, styles.strength, progress)

    def _mean_motion(self, speech: Speech, progress: Callable[[float], None]) -> Motion:
        """The mean speaker's; that of the newest speeches is known from before."""
        found = self._mean.get(speech.hash)
        if found is None:
            found = self.generator.generate(speech, progress)
            for oldest in list(self._mean)[: 1 - _MEANS]:
                del self._mean[oldest]
            self._mean[speech.hash] = found
        return found

    def notes(self, style: Style | None) -> tuple[str, ...]:
        """The fit's warnings, and what the style lacks."""
        if style is None:
            return ()
        return (*style.provenance.warnings, *self._lacks(style))

    def _lacks(self, style: Style) -> tuple[str, ...]:
        if style.provenance.model_hash != self.hash:
            return (f"The style {style.name} was fitted with another speech model; fit it again for the best match.",)
        if style.expression is not None:
            return ()
        # gain and offset, which every style has, are all that is left
        followed = style.offset.any() or (style.gain != 1).any()
        how = "follows its face in size and resting shape only" if followed else "takes only its head and eyes"
        return (
            f"AdaMesh was never trained on the style {style.name}, so it {how}; "
            "generate from its clip with AdaMesh for more, or use Mimic.",
        )


def _spoken_by(style: Style, part: ExpressionPart) -> Style:
    """The style with the part in place of the fitted gain and offset."""
    gain, offset = np.ones(MOTION_SIZE, np.float32), np.zeros(MOTION_SIZE, np.float32)
    return dataclasses.replace(style, gain=gain, offset=offset, expression=part)
