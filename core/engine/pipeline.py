# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: speech and a reference in, motion out. Knows nothing of Blender.

Importing it needs numpy only, for callers inside Blender; functions import the models and media libraries they use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..engines import find_engine
from ..exchange.media_range import MediaRange
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import BankResult, HeadResult, MotionResult
from .first_version import FirstVersion, OnFirst
from .line_sound import load_line
from .spoken_line import MadeWith, SpokenLine, chosen_styles, head_motion, provenance_of
from .stages import StageMeter, StagePlan

if TYPE_CHECKING:
    from pathlib import Path

    from ..tracking.reference import TrackedReference
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
    request: MotionRequest,
    progress: Progress = ignore_progress,
    cache: ArtifactCache | None = None,
    on_first: OnFirst | None = None,
) -> MotionResult:
    """Speech in, motion out. Raises a :class:`MimeshError` whose sentence names what is wrong.

    on_first: is given a first version, where learning the person takes seconds; see :mod:`.first_version`.
    """
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
    line = SpokenLine(request, models, backend, speech, second, reference.report if reference else None)
    at_once = None
    if on_first is not None and not request.listener:
        at_once = FirstVersion(line, meter, on_first)
    with meter.stage("style"):
        first = extractor.style(request.style, request.reference, reference, at_once)
        if request.face.style_strength > 0:
            backend.require(first)
    with meter.stage("motion"):
        spoken = line.face(first, meter.within_stage)
    with meter.stage("head"):
        head = line.head(first, meter.within_stage)
        return line.result(first, spoken, head, meter.seconds)


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
        head = head_motion(request, models, speech, first, meter.within_stage)
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


def models_for(request: MotionRequest) -> LoadedModels:
    """The networks that the request asks for, loaded once in a process."""
    from . import loaded

    face = request.face
    return loaded.loaded_models(request.run.device, face.speech_encoder, face.model_pack)


def _learning_engine(request: MotionRequest) -> str | None:
    """The engine that must learn from the reference, however long it takes; at strength 0 none."""
    return request.face.engine if request.face.style_strength > 0 else None


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
