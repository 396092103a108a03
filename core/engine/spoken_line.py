# SPDX-License-Identifier: GPL-3.0-or-later
"""A line spoken in a style: face, head, eyes, and where they come from. One line may be spoken in several styles."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..exchange.provenance import Provenance
from ..exchange.request import MotionRequest
from ..exchange.results import MotionResult

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..face.motion import Motion
    from ..style.parts import EyesPart
    from ..style.style import Style
    from ..tracking.quality import QualityReport
    from .backends.base import Backend, ChosenStyles
    from .backends.head import HeadMotion
    from .loaded import LoadedModels
    from .speaking import Spoken


@dataclass(slots=True, eq=False)
class SpokenLine:
    """The speech of a request with the networks for it. What does not depend on the style is made once.

    second: the style that is mixed in. quality: what was seen of the reference.
    """

    request: MotionRequest
    models: LoadedModels
    backend: Backend
    speech: Speech
    second: Style | None = None
    quality: QualityReport | None = None
    _plain: Motion | None = None
    _turned: tuple[Style | None, HeadMotion] | None = None

    def face(self, style: Style | None, progress: Callable[[float], None]) -> Spoken:
        """The face, and the same without the style where one had a part in it; at rest for who does not speak."""
        from ..face.resting import resting_motion
        from .resting import frame_count
        from .speaking import Spoken, speak

        if self.request.listener:
            return Spoken(resting_motion(frame_count(self.speech)), None)
        styles = chosen_styles(self.request, style, self.second)
        spoken = speak(self.backend, self.speech, styles, progress, self._plain)
        self._plain = spoken.plain
        return spoken

    def head(self, style: Style | None, progress: Callable[[float], None]) -> HeadMotion:
        """In the style; the same again where another style moves the head alike."""
        if self._turned is None or not _turn_alike(self._turned[0], style):
            self._turned = (style, head_motion(self.request, self.models, self.speech, style, progress))
        return self._turned[1]

    def result(self, style: Style | None, spoken: Spoken, head: HeadMotion, seconds: dict[str, float]) -> MotionResult:
        """All of it, with eyes, notes and provenance. seconds: of each stage."""
        from ..models.eyes.apply import eyes_for

        request, speech = self.request, self.speech
        face, turned, eyes = in_character(request, spoken.motion, head, speech, style)

        def whole(version: Motion) -> Motion:
            return eyes_for(version.replace(head=turned.head), speech, eyes, request.eyes, request.run.seed)

        styles = chosen_styles(request, style, self.second)
        made_with = MadeWith(speech, styles, self.backend.hash, face.basis_hash, head.prior_hash, self.quality)
        return MotionResult(
            motion=whole(face),
            style=style,
            reference_report=self.quality,
            stage_seconds=seconds,
            provenance=provenance_of(request, made_with),
            notes=(*speech.notes, *style_notes(request, self.backend, style), *head.notes),
            neighbours=head.neighbours,
            codes=head.codes,
            plain=None if spoken.plain is None else whole(spoken.plain),
        )


def _turn_alike(one: Style | None, other: Style | None) -> bool:
    """Whether two styles of one reference say the same of the head."""
    if one is None or other is None:
        return one is other
    return one.pose is other.pose and one.head is other.head


def in_character(
    request: MotionRequest, face: Motion, head: HeadMotion, speech: Speech, style: Style | None
) -> tuple[Motion, HeadMotion, EyesPart | None]:
    """Face and head with the style's traits, and the eyes' habits; a quieter head for who does not speak."""
    from ..style.traits import style_amounts, with_amounts, with_blinks
    from .listener import listener_head

    amounts = style_amounts(style).scaled(request.face.style_strength)
    if request.listener:
        turned = listener_head(head.head, speech, request.head.amount, request.run.seed)
    else:
        face = with_amounts(face.replace(head=head.head), amounts)
        turned = face.head
    blinking = with_blinks(style, amounts)
    # the eyes come after the head: they hold their aim against it
    return face, dataclasses.replace(head, head=turned), blinking.eyes if blinking else None


def head_motion(
    request: MotionRequest,
    models: LoadedModels,
    speech: Speech,
    style: Style | None,
    progress: Callable[[float], None],
) -> HeadMotion:
    """How the head moves with the speech, in the style."""
    from .long_speech import Piece, move_head_in_pieces

    settings, bank = request.seeded_head, request.head.bank

    def of(piece: Piece, number: int, progress: Callable[[float], None]) -> HeadMotion:
        own = dataclasses.replace(settings, seed=settings.seed + number)
        return models.head.generate(piece.speech, style, piece.frames, own, bank, progress)

    return move_head_in_pieces(of, speech, progress)


def style_notes(request: MotionRequest, backend: Backend, style: Style | None) -> tuple[str, ...]:
    """What to tell of speaking in the style."""
    if style is not None and request.face.style_strength == 0:
        return (f"At style strength 0 the face is the average speaker's; nothing of {style.name} was trained.",)
    return backend.notes(style)


def chosen_styles(request: MotionRequest, first: Style | None, second: Style | None) -> ChosenStyles:
    """The styles with the request's mix and strength."""
    from .backends.base import ChosenStyles

    # the setting has a share for the day that a second style is chosen
    mix = request.face.style_mix if second is not None else 0.0
    return ChosenStyles(first, second, mix, request.face.style_strength)


@dataclass(frozen=True, slots=True, eq=False)
class MadeWith:
    """What went into a motion beside the request; the hashes are those of the engine, the basis and the pose prior."""

    speech: Speech
    styles: ChosenStyles
    model_hash: str
    basis_hash: str
    pose_hash: str
    reference_report: QualityReport | None = None


def provenance_of(request: MotionRequest, made_with: MadeWith) -> Provenance:
    """Where a motion came from."""
    first, second, quality = made_with.styles.first, made_with.styles.second, made_with.reference_report
    return Provenance(
        audio_source=request.audio.label or str(request.audio.path),
        audio_hash=made_with.speech.hash,
        audio_seconds=made_with.speech.seconds,
        model_hash=made_with.model_hash,
        basis_hash=made_with.basis_hash,
        style_name=first.name if first else None,
        style_id=first.id if first else None,
        pose_hash=made_with.pose_hash,
        second_style_name=second.name if second else None,
        second_style_id=second.id if second else None,
        reference_quality=quality.full_text() if quality else "",
        **request.groups(),
    )
