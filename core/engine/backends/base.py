# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine is to the engine process: one class, named by its entry in :mod:`core.engines`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...face.motion import Motion
    from ...style.style import Style
    from ...tracking.reference import TrackedReference
    from ..context import EngineContext


@dataclass(frozen=True, slots=True, eq=False)
class ChosenStyles:
    """first: None is the mean speaker. second: mixed into the face by ``mix``, 0 is the first alone, 1 the second.

    strength: how far to go from the mean speaker (0) to the person (1) and past them.
    """

    first: Style | None = None
    second: Style | None = None
    mix: float = 0.0
    strength: float = 1.0


class Backend(Protocol):
    """An engine with its networks loaded; one instance serves all requests of a process."""

    @classmethod
    def load(cls, context: EngineContext) -> Self:
        """Load the weights that belong to the context's encoder. Raises :class:`MimeshError` where there are none."""

    @property
    def hash(self) -> str:
        """Of the weights and what they depend on: other weights, another hash. Part of cache keys and provenance."""

    def warm(self) -> None:
        """Run once on whatever, so that the first request does not pay for set-up; raises nothing of its own."""

    def learn(self, reference: TrackedReference, style: Style, progress: Callable[[float], None]) -> Style:
        """``style`` with this engine's part, learnt from the reference.

        style: what was fitted so far: gain, offset, head motion and warnings, which the engine may replace. progress:
        takes 0..1, and what it raises leaves the networks as they were. Raises :class:`MimeshError` where there is
        nothing to learn from.
        """

    def require(self, style: Style | None) -> None:
        """Raise :class:`ModelError` where the style lacks what this engine cannot do without."""

    def speak(self, speech: Speech, styles: ChosenStyles, progress: Callable[[float], None]) -> Motion:
        """Motion for the speech: ceil(seconds * 25) frames at 25 fps in the context's basis; head and gaze rest.

        Strength 0 is exactly the mean speaker. A second style is only given where the entry says ``can_mix``.
        """

    def notes(self, style: Style | None) -> tuple[str, ...]:
        """Sentences for the user about speaking in this style."""


@runtime_checkable
class FirstBackend(Protocol):
    """A backend that learns for seconds, and can speak before in what it reads off the reference in one pass."""

    def first_style(self, reference: TrackedReference, style: Style) -> Style:
        """``style`` as :meth:`Backend.learn` is given it, with what takes a fraction of a second."""


@runtime_checkable
class TogetherBackend(Protocol):
    """A backend that speaks several lines in one pass."""

    def speak_together(self, speeches: Sequence[Speech], styles: Sequence[ChosenStyles]) -> list[list[Motion]]:
        """As ``speak`` for each speech in each of the styles: for every speech its motions in their order."""


def ignore_fraction(fraction: float) -> None:
    """For callers that do not watch."""


def short_noise() -> Speech:
    """A second of quiet noise, (16000,) samples, for :meth:`Backend.warm`."""
    import numpy as np

    from ...audio.speech import SAMPLE_RATE, Speech

    samples = np.random.default_rng(0).normal(0.0, 0.01, SAMPLE_RATE)
    return Speech(samples.astype(np.float32), "warm-up")
