# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: speech and a reference in, motion out. Knows nothing of Blender.

Importing it needs numpy only, for callers inside Blender; functions import the models and media libraries they use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engines import find_engine
from ..exchange.media_range import MediaRange
from ..exchange.provenance import Provenance
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import BankResult, HeadResult, MotionResult
from .line_sound import load_line
from .stages import StageMeter, StagePlan

if TYPE_CHECKING:
    from pathlib import Path

    from ..audio.speech import Speech
    from ..face.motion import Motion
    from ..style.parts import EyesPart
    from ..style.style import Style
    from ..tracking.quality import QualityReport
    from ..tracking.reference import TrackedReference
    from .backends.base import Backend, ChosenStyles
    from .backends.head import HeadMotion
    from .cache import ArtifactCache
    from .loaded import LoadedModels
    from .style_extraction import StyleExtractor

# (stage, fraction of the whole job 0..1); raising CancelledError from it cancels
Progress = Callable[[str, float], None]


def ignore_progress(stage: str, fraction: float) -> None:
    """The default for callers that do not watch."""


def track_reference(
    source: MediaRange, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> TrackedReference:
    """Track a talking person, or take the earlier result for the same file and range from ``cache``.

    Raises :class:`MimeshError` for a clip that cannot be used.
    """
    from . import loaded

    meter = StageMeter(progress, StagePlan({"track": 1.0}))
    with meter.stage("track"):
        return _extractor(loaded.loaded_models(), meter, cache).track(source)


def generate_motion(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> MotionResult:
    """Speech in, motion out. Raises a :class:`MimeshError` whose sentence names what is wrong."""
    from ..models.eyes.apply import eyes_for
    from .style_extraction import load_style

    meter = StageMeter(progress, _plan(request))
    with meter.stage("audio"):
        speech = load_line(request, meter.within_stage)
        models = models_for(request)
        backend = models.backend(request.face.engine)
        second = load_style(request.second_style)
        backend.require(second)
    extractor = _extractor(models, meter, cache, _learning_engine(request), request.head.bank)
    reference = None
    if request.reference is not None:
        with meter.stage("track"):
            reference = extractor.track(request.reference)
    with meter.stage("style"):
        first = extractor.style(request.style, request.reference, reference)
        if request.face.style_strength > 0:
            backend.require(first)
        styles = chosen_styles(request, first, second)
    with meter.stage("motion"):
        face, plain = _faces(request, backend, speech, styles, meter)
    with meter.stage("head"):
        head = _head(request, models, speech, first, meter)
        face, head, eyes = in_character(request, face, head, speech, first)

        def whole(version: Motion) -> Motion:
            return eyes_for(version.replace(head=head.head), speech, eyes, request.eyes, request.run.seed)

        motion, plain = whole(face), None if plain is None else whole(plain)
    quality = reference.report if reference else None
    made_with = MadeWith(speech, styles, backend.hash, face.basis_hash, head.prior_hash, quality)
    return MotionResult(
        motion=motion,
        style=first,
        reference_report=quality,
        stage_seconds=meter.seconds,
        provenance=provenance_of(request, made_with),
        notes=(*speech.notes, *style_notes(request, backend, first), *head.notes),
        neighbours=head.neighbours,
        codes=head.codes,
        plain=plain,
    )


def regenerate_head(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> HeadResult:
    """The head and gaze that :func:`generate_motion` would give, without the face.

    For another seed or other pose settings; quick where ``cache`` knows the reference. Raises as
    :func:`generate_motion` does.
    """
    from ..face.resting import resting_motion
    from ..models.eyes.apply import eyes_for
    from .style_extraction import load_style

    meter = StageMeter(progress, StagePlan({"audio": 0.1, "style": 0.1, "head": 0.3}))
    with meter.stage("audio"):
        speech = load_line(request, meter.within_stage)
        models = models_for(request)
        backend = models.backend(request.face.engine)
    with meter.stage("style"):
        extractor = _extractor(models, meter, cache, _learning_engine(request), request.head.bank)
        first = extractor.style(request.style, request.reference)
        styles = chosen_styles(request, first, load_style(request.second_style))
    with meter.stage("head"):
        head = _head(request, models, speech, first, meter)
        turned = resting_motion(len(head.head)).replace(head=head.head)
        eyes = first.eyes if first else None
        motion = eyes_for(turned, speech, eyes, dataclasses.replace(request.eyes, blinks=False), request.run.seed)
    made_with = MadeWith(speech, styles, backend.hash, motion.basis_hash, head.prior_hash)
    return HeadResult(
        head=head.head,
        gaze=motion.gaze,
        neighbours=head.neighbours,
        codes=head.codes,
        provenance=provenance_of(request, made_with),
        notes=(*speech.notes, *head.notes),
    )


def add_to_bank(
    request: BankRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> BankResult:
    """Write a clip's or a style's way of moving the head into a bank file; nothing is trained.

    Raises :class:`MimeshError` when the clip cannot be used or the name is taken.
    """
    from . import loaded
    from .pose_bank import extend_bank, present_bank

    meter = StageMeter(progress, StagePlan({"style": 2.0, "head": 0.2}))
    with meter.stage("style"):
        models = loaded.loaded_models(request.device)
        extractor = _extractor(models, meter, cache, pose_bank=present_bank(request.bank))
        style = extractor.style(request.style, request.reference)
        assert style is not None  # one of the two is given: see BankRequest
    with meter.stage("head"):
        return extend_bank(request, style, models.head)


def _faces(
    request: MotionRequest, backend: Backend, speech: Speech, styles: ChosenStyles, meter: StageMeter
) -> tuple[Motion, Motion | None]:
    """The face, and the same without the style where one had a part in it; at rest for who does not speak."""
    from ..face.resting import resting_motion
    from .resting import frame_count
    from .speaking import speak

    if request.listener:
        return resting_motion(frame_count(speech)), None
    spoken = speak(backend, speech, styles, meter.within_stage)
    return spoken.motion, spoken.plain


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


def _head(
    request: MotionRequest, models: LoadedModels, speech: Speech, style: Style | None, meter: StageMeter
) -> HeadMotion:
    from .long_speech import Piece, move_head_in_pieces

    settings, bank = request.seeded_head, request.head.bank

    def of(piece: Piece, number: int, progress: Callable[[float], None]) -> HeadMotion:
        own = dataclasses.replace(settings, seed=settings.seed + number)
        return models.head.generate(piece.speech, style, piece.frames, own, bank, progress)

    return move_head_in_pieces(of, speech, meter.within_stage)


def models_for(request: MotionRequest) -> LoadedModels:
    """The networks that the request asks for, loaded once in a process."""
    from . import loaded

    face = request.face
    return loaded.loaded_models(request.run.device, face.speech_encoder, face.model_pack)


def _learning_engine(request: MotionRequest) -> str | None:
    """The engine that must learn from the reference, however long it takes; at strength 0 none."""
    return request.face.engine if request.face.style_strength > 0 else None


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


def _plan(request: MotionRequest) -> StagePlan:
    # rough seconds on two cores
    engine = _learning_engine(request)
    learning = find_engine(engine).learning_seconds if engine is not None else 0.1
    expected = {
        "audio": 0.3,
        "track": 2.0,
        "style": learning if request.reference else 0.1,
        "motion": 0.4,
        "head": 0.3,
    }
    if request.reference is None:
        del expected["track"]
    return StagePlan(expected)


def _extractor(
    models: LoadedModels,
    meter: StageMeter,
    cache: ArtifactCache | None,
    engine: str | None = None,
    pose_bank: Path | None = None,
) -> StyleExtractor:
    from .style_extraction import NeutralSpeaker, StyleExtractor

    return StyleExtractor(models, NeutralSpeaker(models), meter, cache, engine, pose_bank)


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
