# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: speech and a reference in, motion out. Knows nothing of Blender.

Importing it needs numpy only, so that callers inside Blender can; models and media libraries are imported by the
functions that use them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..exchange.media_range import MediaRange
from ..exchange.provenance import Provenance
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import BankResult, HeadResult, MotionResult
from .stages import StageMeter, StagePlan

if TYPE_CHECKING:
    from pathlib import Path

    from ..audio.speech import Speech
    from ..tracking.reference import TrackedReference
    from .backends.base import ChosenStyles
    from .cache import ArtifactCache
    from .style_extraction import StyleExtractor

# (stage, fraction of the whole job 0..1); raising CancelledError from it cancels
Progress = Callable[[str, float], None]


def ignore_progress(stage: str, fraction: float) -> None:
    """The default for callers that do not watch."""


def track_reference(
    source: MediaRange, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> TrackedReference:
    """Track a talking person, or take the earlier result for the same file and range from ``cache``."""
    meter = StageMeter(progress, StagePlan({"track": 1.0}))
    with meter.stage("track"):
        return _style_extractor("auto", meter, cache).track(source)


def generate_motion(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> MotionResult:
    """Speech in, motion out. Raises a :class:`MimeshError` whose sentence names what is wrong."""
    from ..models.eyes.apply import eyes_for
    from .backends.base import ChosenStyles, open_backend
    from .backends.head import move_head
    from .style_extraction import load_style

    meter = StageMeter(progress, _plan(request))
    with meter.stage("audio"):
        speech = _speech(request, meter.within_stage)
        engine = open_backend(request)
        second = load_style(request.second_style)
        engine.require(second)
    maker = _style_extractor(request.run.device, meter, cache, request.face.engine == "adamesh", request.head.bank)
    reference = None
    if request.reference is not None:
        with meter.stage("track"):
            reference = maker.track(request.reference)
    with meter.stage("style"):
        first = maker.style(request.style, request.reference, reference)
        engine.require(first)
        styles = ChosenStyles(first, second, request.face.style_mix, request.face.style_strength)
    with meter.stage("motion"):
        face = engine.speak(speech, styles, meter.within_stage)
    with meter.stage("head"):
        moved = move_head(request, speech, styles.first, len(face), meter.within_stage)
        # after the head: the eyes hold their aim against it
        eyes = styles.first.eyes if styles.first else None
        motion = eyes_for(face.replace(head=moved.head), speech, eyes, request.eyes, request.run.seed)
    return MotionResult(
        motion=motion,
        style=styles.first,
        reference_report=reference.report if reference else None,
        stage_seconds=meter.seconds,
        provenance=_provenance(request, speech, styles, (engine.hash, face.basis_hash, moved.pose_hash)),
        notes=(*speech.notes, *engine.notes(styles.first), *moved.notes),
        neighbours=moved.neighbours,
    )


def regenerate_head(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> HeadResult:
    """The head and gaze that :func:`generate_motion` would give, without the face.

    For another seed or other pose settings; quick where ``cache`` knows the reference. Raises as
    :func:`generate_motion` does.
    """
    from ..models.eyes.apply import eyes_for
    from .backends.base import ChosenStyles, open_backend
    from .backends.head import frames_of, move_head, still_motion
    from .style_extraction import load_style

    meter = StageMeter(progress, StagePlan({"audio": 0.1, "style": 0.1, "head": 0.3}))
    with meter.stage("audio"):
        speech = _speech(request, meter.within_stage)
        engine = open_backend(request)
    with meter.stage("style"):
        maker = _style_extractor(request.run.device, meter, cache, request.face.engine == "adamesh", request.head.bank)
        first = maker.style(request.style, request.reference)
        styles = ChosenStyles(
            first, load_style(request.second_style), request.face.style_mix, request.face.style_strength
        )
    with meter.stage("head"):
        moved = move_head(request, speech, styles.first, frames_of(speech), meter.within_stage)
        settings = dataclasses.replace(request.eyes, blinks=False)
        turned = still_motion(len(moved.head)).replace(head=moved.head)
        eyes = styles.first.eyes if styles.first else None
        motion = eyes_for(turned, speech, eyes, settings, request.run.seed)
    return HeadResult(
        head=moved.head,
        gaze=motion.gaze,
        neighbours=moved.neighbours,
        provenance=_provenance(request, speech, styles, (engine.hash, motion.basis_hash, moved.pose_hash)),
        notes=(*speech.notes, *moved.notes),
    )


def add_to_bank(
    request: BankRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> BankResult:
    """Write a clip's or a style's way of moving the head into a bank file; nothing is trained.

    Raises :class:`MimeshError` when the clip cannot be used or the name is taken.
    """
    from .backends.head import begun_bank, extend_bank

    meter = StageMeter(progress, StagePlan({"style": 2.0, "head": 0.2}))
    with meter.stage("style"):
        maker = _style_extractor(request.device, meter, cache, False, begun_bank(request.bank))
        style = maker.style(request.style, request.reference)
        assert style is not None  # one of the two is given: see BankRequest
    with meter.stage("head"):
        return extend_bank(request, style)


def _speech(request: MotionRequest, progress: Callable[[float], None]) -> Speech:
    from ..audio.decode import load_speech, require_sound

    media = request.audio
    speech = load_speech(media.path, media.start_seconds, media.end_seconds, media.track, progress)
    require_sound(speech)
    return speech


def _plan(request: MotionRequest) -> StagePlan:
    # rough seconds on two cores: learning a new style takes AdaMesh most of them, Mimic reads it at a glance
    learning = {"adamesh": 10.0, "mimic": 0.8}[request.face.engine]
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


def _style_extractor(
    device: str, meter: StageMeter, cache: ArtifactCache | None, adapts: bool = True, pose_bank: Path | None = None
) -> StyleExtractor:
    from . import loaded as models
    from .style_extraction import StyleExtractor

    synthesiser = models.MemoisedSynthesiser(lambda: models.expression_generator(device))
    return StyleExtractor(synthesiser, meter, cache, device, adapts, pose_bank)


def _provenance(
    request: MotionRequest, speech: Speech, styles: ChosenStyles, hashes: tuple[str, str, str]
) -> Provenance:
    model_hash, basis_hash, pose_hash = hashes
    first, second = styles.first, styles.second
    return Provenance(
        audio_source=str(request.audio.path),
        audio_hash=speech.hash,
        audio_seconds=speech.seconds,
        model_hash=model_hash,
        basis_hash=basis_hash,
        style_name=first.name if first else None,
        style_id=first.id if first else None,
        pose_hash=pose_hash,
        second_style_name=second.name if second else None,
        second_style_id=second.id if second else None,
        **request.groups(),
    )
