# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: speech and a reference in, motion out. Knows nothing of Blender.

Importing it needs numpy only, so that callers inside Blender can; models and media libraries are imported by the
functions that use them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..eyes.apply import GAZE_AMOUNT_LIMIT
from .request import (
    DEVICES,
    ENGINES,
    HEAD_AMOUNT_LIMIT,
    STYLE_STRENGTH_LIMIT,
    BankRequest,
    BankResult,
    HeadResult,
    MediaRange,
    MotionRequest,
    MotionResult,
    PoseRequest,
    Provenance,
)
from .stages import StageMeter, StagePlan

if TYPE_CHECKING:
    from ..audio.speech import Speech
    from ..style.style import Style
    from ..tracking.reference import TrackedReference
    from .cache import ArtifactCache
    from .models import OnceEach

__all__ = [
    "DEVICES",
    "ENGINES",
    "GAZE_AMOUNT_LIMIT",
    "HEAD_AMOUNT_LIMIT",
    "STYLE_STRENGTH_LIMIT",
    "BankRequest",
    "BankResult",
    "HeadResult",
    "MediaRange",
    "MotionRequest",
    "MotionResult",
    "PoseRequest",
    "Progress",
    "Provenance",
    "add_to_bank",
    "generate_motion",
    "ignore_progress",
    "roll_head",
    "track_reference",
]

# (stage, fraction of the whole job 0..1); raising CancelledError from it cancels
Progress = Callable[[str, float], None]


def ignore_progress(stage: str, fraction: float) -> None:
    """The default for callers that do not watch."""


def track_reference(
    source: MediaRange, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> TrackedReference:
    """Track a talking person, or take the earlier result for the same file and range from ``cache``."""
    from .models import OnceEach, expression_generator

    meter = StageMeter(progress, StagePlan({"track": 1.0}))
    with meter.stage("track"):
        return _tracked(source, OnceEach(expression_generator("auto")), meter, cache)


def generate_motion(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> MotionResult:
    """Speech in, motion out. Raises a :class:`MimeshError` whose sentence names what is wrong."""
    from ..eyes.apply import eyes_for
    from ..style.apply import apply_style
    from .expressions import speak
    from .heads import move_head
    from .models import OnceEach, expression_generator

    meter = StageMeter(progress, _plan(request))
    with meter.stage("audio"):
        speech = _speech(request)
        generator = expression_generator(request.device)
    listener = OnceEach(generator)
    reference = None
    if request.reference is not None:
        with meter.stage("track"):
            reference = _tracked(request.reference, listener, meter, cache)
    with meter.stage("style"):
        style = _style(request.style, request.reference, reference, listener, meter, cache)
    with meter.stage("motion"):
        spoken = speak(generator, speech, style, request.style_strength, meter.within_stage)
        face = apply_style(spoken, style, request.style_strength)
    with meter.stage("head"):
        moved = move_head(request, speech, style, len(face), meter.within_stage)
        # after the head: the eyes hold their aim against it
        eyes = style.eyes if style else None
        motion = eyes_for(face.replace(head=moved.head), speech, eyes, request.eyes_settings)
    return MotionResult(
        motion=motion,
        style=style,
        reference_report=reference.report if reference else None,
        stage_seconds=meter.seconds,
        provenance=_provenance(request, speech, style, (generator.hash, face.basis_hash, moved.pose_hash)),
        notes=(*_notes(style, generator.hash), *moved.notes),
        neighbours=moved.neighbours,
    )


def roll_head(
    request: MotionRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> HeadResult:
    """The head and gaze that :func:`generate_motion` would give, without the face: for another seed or other pose
    settings.

    Quick where ``cache`` knows the reference. Raises as :func:`generate_motion` does.
    """
    from ..eyes.apply import eyes_for
    from .heads import frames_of, move_head, still_motion
    from .models import OnceEach, expression_generator

    meter = StageMeter(progress, StagePlan({"audio": 0.1, "style": 0.1, "head": 0.3}))
    with meter.stage("audio"):
        speech = _speech(request)
        listener = OnceEach(expression_generator(request.device))
    with meter.stage("style"):
        style = _known_style(request.style, request.reference, listener, meter, cache)
    with meter.stage("head"):
        moved = move_head(request, speech, style, frames_of(speech), meter.within_stage)
        settings = dataclasses.replace(request.eyes_settings, blinks=False)
        turned = still_motion(len(moved.head)).replace(head=moved.head)
        motion = eyes_for(turned, speech, style.eyes if style else None, settings)
    return HeadResult(
        head=moved.head,
        gaze=motion.gaze,
        neighbours=moved.neighbours,
        provenance=_provenance(request, speech, style, (listener.hash, motion.basis_hash, moved.pose_hash)),
        notes=moved.notes,
    )


def add_to_bank(
    request: BankRequest, progress: Progress = ignore_progress, cache: ArtifactCache | None = None
) -> BankResult:
    """Write a clip's or a style's way of moving the head into a bank file; nothing is trained.

    Raises :class:`MimeshError` when the clip cannot be used or the name is taken.
    """
    from .heads import extend_bank
    from .models import OnceEach, expression_generator

    meter = StageMeter(progress, StagePlan({"style": 2.0, "head": 0.2}))
    with meter.stage("style"):
        listener = OnceEach(expression_generator(request.device))
        style = _known_style(request.style, request.reference, listener, meter, cache)
        assert style is not None  # one of the two is given: see BankRequest
    with meter.stage("head"):
        return extend_bank(request, style)


def _speech(request: MotionRequest) -> Speech:
    from ..audio.decode import load_speech, require_sound

    speech = load_speech(request.audio.path, request.audio.start_seconds, request.audio.end_seconds)
    require_sound(speech)
    return speech


def _plan(request: MotionRequest) -> StagePlan:
    # rough seconds on two cores: learning a new style takes most of it
    expected = {"audio": 0.3, "track": 2.0, "style": 10.0 if request.reference else 0.1, "motion": 0.4, "head": 0.3}
    if request.reference is None:
        del expected["track"]
    return StagePlan(expected)


def _tracked(
    source: MediaRange, listener: OnceEach, meter: StageMeter, cache: ArtifactCache | None
) -> TrackedReference:
    from ..face.basis import open_basis
    from ..style.closures import lip_gap
    from ..tracking.reference import track_reference as run_tracker
    from .cache import reference_key
    from .reference_file import load_reference, save_reference

    key = reference_key(source, listener.hash) if cache else ""
    if cache and (hit := cache.load(key, load_reference)) is not None:
        return hit
    reference = run_tracker(
        source.path,
        source.start_seconds,
        source.end_seconds,
        meter.within_stage,
        expected_opening=lambda speech: lip_gap(open_basis(), listener.generate(speech)),
    )
    if cache:
        cache.store(key, lambda path: save_reference(path, reference))
    return reference


def _known_style(
    path: Path | None, source: MediaRange | None, listener: OnceEach, meter: StageMeter, cache: ArtifactCache | None
) -> Style | None:
    """The style without the tracked reference, which is only made when the cache does not know the style."""
    from ..style.style import Style

    if source is None or path is not None:
        return _style(path, source, None, listener, meter, cache)
    if cache and (hit := cache.load(_style_key(source, listener), Style.load)) is not None:
        return hit
    return _style(None, source, _tracked(source, listener, meter, cache), listener, meter, cache)


def _style(
    path: Path | None,
    source: MediaRange | None,
    reference: TrackedReference | None,
    listener: OnceEach,
    meter: StageMeter,
    cache: ArtifactCache | None,
) -> Style | None:
    from ..eyes.measure import measure_eyes
    from ..style.fit import fit_style
    from ..style.style import Style
    from .expressions import with_expression
    from .heads import with_pose

    if path is not None:
        return Style.load(path)
    if reference is None or source is None:
        return None
    key = _style_key(source, listener) if cache else ""
    if cache and (hit := cache.load(key, Style.load)) is not None:
        return hit
    style = with_expression(fit_style(listener, reference), reference, listener.generator, meter.within_stage)
    style = dataclasses.replace(with_pose(style, reference), eyes=measure_eyes(reference))
    if cache:
        cache.store(key, style.save)
    return style


def _style_key(source: MediaRange, listener: OnceEach) -> str:
    from .cache import style_key
    from .heads import pose_hash

    return style_key(source, listener.hash, pose_hash())


def _provenance(
    request: MotionRequest, speech: Speech, style: Style | None, hashes: tuple[str, str, str]
) -> Provenance:
    model_hash, basis_hash, pose_hash = hashes
    return Provenance(
        audio_source=str(request.audio.path),
        audio_hash=speech.hash,
        audio_seconds=speech.seconds,
        engine=request.engine,
        model_hash=model_hash,
        basis_hash=basis_hash,
        style_name=style.name if style else None,
        style_id=style.id if style else None,
        seed=request.seed,
        style_strength=request.style_strength,
        head_amount=request.head_amount,
        pose=request.pose,
        pose_hash=pose_hash,
        blinks=request.blinks,
        gaze_amount=request.gaze_amount,
    )


def _notes(style: Style | None, model_hash: str) -> tuple[str, ...]:
    if style is None:
        return ()
    notes = list(style.provenance.warnings)
    if style.provenance.model_hash != model_hash:
        notes.append(f"The style {style.name} was fitted with another speech model; fit it again for the best match.")
    return tuple(notes)
