# SPDX-License-Identifier: GPL-3.0-or-later
"""The two engines behind one door: speech to a face in the chosen styles, and what to say about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...models.affine.apply import apply_style
from .. import loaded as models
from .adamesh import speak

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...exchange.request import MotionRequest
    from ...face.motion import Motion
    from ...models.adamesh.generate import ExpressionGenerator
    from ...style.style import Style


@dataclass(frozen=True, slots=True, eq=False)
class ChosenStyles:
    """first: None is the average talker. second: mixed into the face by ``mix``, 0 is the first alone, 1 the second.

    strength: how far to go from the average talker to the person, who is at 1.
    """

    first: Style | None
    second: Style | None = None
    mix: float = 0.0
    strength: float = 1.0


class Backend(Protocol):
    """What a family of networks can do for a request."""

    @property
    def hash(self) -> str:
        """Of the network that speaks."""
        ...

    def require(self, style: Style | None) -> None:
        """Raise :class:`ModelError` where the style lacks what this engine needs."""
        ...

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """Motion for the speech, 25 fps; head and gaze rest."""
        ...

    def notes(self, style: Style | None) -> tuple[str, ...]:
        """What the user should know about speaking in this style."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class AdaMeshBackend:
    """The base network, wrapped in what it learned from the reference."""

    generator: ExpressionGenerator

    @property
    def hash(self) -> str:
        """Of the base network."""
        return self.generator.hash

    def require(self, style: Style | None) -> None:
        """Any style will do: what does not fit is left out, and a note says so."""

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """In the first style; :class:`MotionRequest` refuses a second. Strength 0 is exactly the base."""
        spoken = speak(self.generator, speech, styles.first, styles.strength, progress)
        return apply_style(spoken, styles.first, styles.strength)

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


def open_backend(request: MotionRequest) -> Backend:
    """The engine that the request names, with its network loaded. Raises :class:`MimeshError` where it cannot be."""
    if request.face.engine == "mimic":
        from .mimic import MimicBackend

        return MimicBackend(models.mimic_generator(request.run.device))
    return AdaMeshBackend(models.expression_generator(request.run.device))
