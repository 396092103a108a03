# SPDX-License-Identifier: GPL-3.0-or-later
"""Mimic inside the engine: the style code that a reference leaves, and speech in one or between two of them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import MimeshError, ModelError
from ...style.parts import MimicPart
from .. import loaded as models

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...face.motion import Motion
    from ...models.mimic.generate import MimicGenerator
    from ...style.style import Style
    from ...tracking.reference import TrackedReference
    from .base import ChosenStyles

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class MimicBackend:
    """The decoder on a style code that was read from the reference's motion in one pass: nothing is trained."""

    generator: MimicGenerator

    @property
    def hash(self) -> str:
        """Of Mimic's weights and what they depend on."""
        return self.generator.hash

    def require(self, style: Style | None) -> None:
        """Raise :class:`ModelError` unless the style holds a code of these weights."""
        if style is not None:
            self._code(style)

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """On the line from the mean code (strength 0: exactly it) to that of the styles and past it."""
        return self.generator.generate(speech, self._chosen_code(styles), progress)

    def notes(self, style: Style | None) -> tuple[str, ...]:
        """The fit's warnings."""
        return style.provenance.warnings if style else ()

    def _chosen_code(self, styles: ChosenStyles) -> NDArray[np.float32] | None:
        from ...models.mimic.codes import at_strength, mixed

        if styles.first is None:
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


def with_mimic(style: Style, reference: TrackedReference, device: str) -> Style:
    """The style with Mimic's code of the reference's motion, so that it serves both engines.

    Without it where Mimic cannot be loaded or finds too little motion: AdaMesh does not need it.
    """
    try:
        generator = models.mimic_generator(device)
        # sound that does not go with the mouth says nothing of what the mouth should have done
        speech = reference.speech if style.provenance.speech_seconds else None
        code = generator.style_code(reference.motion, speech)
    except MimeshError as error:
        _log.info("no Mimic code for %s: %s", style.name, error)
        return style
    return dataclasses.replace(style, mimic=MimicPart(code, generator.hash))


def mimic_hash(device: str) -> str:
    """Of the weights that a style's code is made with; empty where there are none."""
    try:
        return models.mimic_generator(device).hash
    except MimeshError:
        return ""
