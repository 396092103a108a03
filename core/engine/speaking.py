# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's motion in the chosen styles, with the mean speaker's closures kept.

A style that opens the mouth wider, or is exaggerated, would open the lips at m, b and p too. So the lip-closure
constraint is applied last, whichever engine speaks: nothing after it moves the lips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .backends.base import Backend, ChosenStyles, ignore_fraction
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
) -> Spoken:
    """Motion at 25 fps; wherever the mean speaker's lips are shut they are shut as far, at any strength.

    Without a style or at strength 0 it is exactly the mean speaker's. Raises as :meth:`Backend.speak` does.
    """
    motion = speak_in_pieces(lambda part, told: backend.speak(part, styles, told), speech, progress)
    if styles.first is None or styles.strength == 0:
        return Spoken(motion, None)
    from ..face.basis import open_basis
    from ..face.closures import keep_closures

    mean = ChosenStyles(strength=0.0)
    plain = speak_in_pieces(lambda part, told: backend.speak(part, mean, told), speech, lambda _: progress(1.0))
    return Spoken(keep_closures(plain, motion, open_basis(), NEARLY_SHUT_CM), plain)
