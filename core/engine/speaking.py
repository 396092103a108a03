# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's motion in the chosen styles, with the mean speaker's closures kept.

A style that opens the mouth wider, or is exaggerated, would open the lips at m, b and p too. So the lip-closure
constraint is applied last, whichever engine speaks: nothing after it moves the lips.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .backends.base import Backend, ChosenStyles, TogetherBackend, ignore_fraction
from .long_speech import speak_in_pieces

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..face.motion import Motion

# of the mean speaker's lip gap, up to which some of it is kept: further on how far to open is the style's
NEARLY_SHUT_CM = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """motion: in the styles. plain: the same line as the mean speaker says it; None where that is ``motion``."""

    motion: Motion
    plain: Motion | None


def speak(
    backend: Backend,
    speech: Speech,
    styles: ChosenStyles,
    progress: Callable[[float], None] = ignore_fraction,
    plain: Motion | None = None,
) -> Spoken:
    """Motion at 25 fps; wherever the mean speaker's lips are shut they are shut as far, at any strength.

    Without a style or at strength 0 it is exactly the mean speaker's. plain: how that one says it, where it is known.
    Raises as :meth:`Backend.speak` does.
    """
    motion = speak_in_pieces(lambda part, told: backend.speak(part, styles, told), speech, progress)
    if styles.first is None or styles.strength == 0:
        return Spoken(motion, None)
    mean = ChosenStyles(strength=0.0)
    if plain is None:
        plain = speak_in_pieces(lambda part, told: backend.speak(part, mean, told), speech, lambda _: progress(1.0))
    return Spoken(_kept(plain, motion), plain)


def speak_together(backend: TogetherBackend, speeches: Sequence[Speech], styles: ChosenStyles) -> list[Spoken]:
    """:func:`speak` for lines of one piece each, all in the same styles."""
    if styles.first is None or styles.strength == 0:
        return [Spoken(motion, None) for (motion,) in backend.speak_together(speeches, [styles])]
    made = backend.speak_together(speeches, [styles, ChosenStyles(strength=0.0)])
    plains = [plain for _, plain in made]
    from ..face.motion import Motion

    # a frame's closure depends on that frame alone, so that all lines are one motion here
    kept = _kept(Motion.joined(plains), Motion.joined([motion for motion, _ in made]))
    ends = list(itertools.accumulate(map(len, plains)))
    return [Spoken(kept.part(last - len(plain), last), plain) for plain, last in zip(plains, ends, strict=True)]


def _kept(plain: Motion, motion: Motion) -> Motion:
    from ..face.basis import open_basis
    from ..face.closures import keep_closures

    return keep_closures(plain, motion, open_basis(), NEARLY_SHUT_CM)
