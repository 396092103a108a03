# SPDX-License-Identifier: GPL-3.0-or-later
"""From a click to keys: read the scene, let the engine generate, solve, plan, and only then write.

One generator does it all; ``execute`` runs it to its end and ``modal`` steps it. Until its last step it only
reads, so closing it, a refusal or a dead engine leaves the scene as it was. Blender data is looked up by name
again at the end, because the user may go on working (and undo) meanwhile.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Generator
from typing import TypeVar

import bpy

from ..client.choices import GenerateSettings
from ..client.engine_port import Engine, EngineJob
from ..client.report import GenerateReport
from ..client.steps import StepStatus, part_of
from ..direct.adjust import adjustable
from ..direct.kept_motion import KeptMotion
from ..direct.tidy import tidied
from ..errors import RigError
from ..exchange.provenance import Provenance
from ..exchange.request import MotionRequest
from ..exchange.results import MotionResult
from ..exchange.stage_labels import stage_label
from ..face.basis import open_basis
from ..model_pack import require_pack
from ..rig.description import LandmarkBinding, RigDescription
from ..rig.existing import ExistingAnimation
from ..rig.explain import describe_match
from ..rig.plan import ApplySettings, CurvePlan, plan_curves, refuse_early
from ..rig.solve import prepare_solver
from ..rig.timing import SceneTiming
from .adjust import adjust_json, carried_adjust
from .apply import ApplyReport, apply_plan
from .correspond import landmark_search, store_binding
from .kept import keep
from .layers import pull_edits, refresh_layers
from .read_animation import read_existing
from .read_rig import read_rig
from .read_scene import scene_fps
from .solve_line import solve_steps
from .sources import PlacedMedia, existing_file, read_reference, read_speech
from .takes import forget_takes

T = TypeVar("T")
Steps = Generator[StepStatus, None, T]

# the engine's part of the bar; the rest is solving and writing
_ENGINE_SHARE = 0.95
# a step that takes longer than this is counted in seconds, so that work can be told from a standstill
_QUIET_SECONDS = 2.0


def generate_steps(scene: bpy.types.Scene, settings: GenerateSettings, engine: Engine) -> Steps[GenerateReport]:
    """The whole path. Raises a :class:`MimeshError` for whatever it refuses, before anything is written."""
    scene_name = scene.name
    yield StepStatus("Reading the scene", 0.0)
    # an undo since then leaves a scene that is no more
    scene = find_scene(scene_name)
    speech = read_speech(scene, settings.speech)
    request = motion_request(scene, settings, speech)
    report = yield from request_steps(scene, settings, request, speech.first_frame, engine)
    return dataclasses.replace(report, notes=(*report.notes, *speech.warnings))


def request_steps(
    scene: bpy.types.Scene, settings: GenerateSettings, request: MotionRequest, first_frame: float, engine: Engine
) -> Steps[GenerateReport]:
    """The same for a request that is known already; the speech's first sample sounds at ``first_frame``.

    Never waits: whoever drives it sleeps between two steps.
    """
    started = time.perf_counter()
    scene_name = scene.name
    found = read_target(settings.object_name)
    refuse_existing(found, settings, first_frame)
    # first, because a mesh without a face is to be refused before the reference is learned from
    binding = found.binding or (yield from search_landmarks(found, engine))
    job = engine.submit(request)
    try:
        result = yield from watch_job(job)
    finally:
        job.cancel()
    return (yield from result_steps(scene_name, settings, binding, result, first_frame, started))


def result_steps(
    scene_name: str,
    settings: GenerateSettings,
    binding: LandmarkBinding | None,
    result: MotionResult,
    first_frame: float,
    started: float,
    solve: Callable[[RigDescription, MotionResult, SceneTiming], Steps[KeptMotion]] = solve_steps,
) -> Steps[GenerateReport]:
    """A motion that is there, onto the face: solve, plan, write.

    binding: None where ``solve`` needs none. started: ``time.perf_counter()`` of the run's begin.
    """
    yield StepStatus("Fitting the rig", _ENGINE_SHARE)
    timing = scene_timing(find_scene(scene_name), first_frame)
    read = read_target(settings.object_name)
    rig = dataclasses.replace(read, binding=binding)
    kept = yield from solve(rig, result, timing)
    pull_edits(find_object(settings.object_name))
    plan = plan_result(rig, kept, result.provenance, settings)
    yield StepStatus("Writing the keys", 0.99)
    target = find_object(settings.object_name)
    applied = apply_plan(plan, target)
    keep(target, plan.line, kept)
    # they were of the earlier motion
    forget_takes(target, plan.line.sound)
    refresh_layers(target)
    if read.binding is None and binding is not None:
        store_binding(target, binding)
    report = _summed_up(rig, result, plan, applied, time.perf_counter() - started)
    return dataclasses.replace(report, notes=(*report.notes, *_beyond_the_end(find_scene(scene_name), plan)))


def find_landmarks_steps(object_name: str, engine: Engine) -> Steps[LandmarkBinding]:
    """Look for the face on the mesh again and keep what was found with the mesh."""
    yield StepStatus("Reading the mesh", 0.0)
    rig = read_rig(find_object(object_name), searching=True)
    binding = yield from search_landmarks(rig, engine)
    store_binding(find_object(object_name), binding)
    return binding


def motion_request(scene: bpy.types.Scene, settings: GenerateSettings, speech: PlacedMedia) -> MotionRequest:
    """What the engine needs to know; nothing of Blender in it."""
    reference, style = read_reference(scene, settings.reference)
    if settings.head.bank is not None:
        existing_file(str(settings.head.bank), "bank")
    require_pack(settings.face.model_pack)
    return MotionRequest(
        audio=speech.media,
        reference=reference,
        style=style,
        second_style=existing_file(settings.second_style, "style") if settings.second_style else None,
        **settings.groups(),
    )


def read_target(name: str) -> RigDescription:
    """The rig of the chosen mesh. Raises :class:`RigError`."""
    return read_rig(find_object(name))


def refuse_existing(rig: RigDescription, settings: GenerateSettings, first_frame: float) -> None:
    """Refuse what is in the way of certain keys before the engine is started; the plan looks at all of them."""
    refuse_early(rig, existing_of(rig), first_frame, apply_settings(settings))


def existing_of(rig: RigDescription) -> ExistingAnimation:
    """What animates the face now, and the meshes that go with it."""
    parts = [part.object_name for part in rig.parts]
    return read_existing(find_object(rig.object_name), parts, rig.control_owners)


def apply_settings(settings: GenerateSettings) -> ApplySettings:
    """The part of the choices that concerns the keys; the speech's strip or file tells one line from another."""
    return ApplySettings(**settings.bake.values(), line=settings.speech.value)


def scene_timing(scene: bpy.types.Scene, first_frame: float) -> SceneTiming:
    """Where keys belong; the speech's first sample sounds at ``first_frame`` of the sequencer.

    The scene's time remapping stretches animation but neither strips nor playback: frame f shows what is keyed at
    f * old / new.
    """
    stretch = scene.render.frame_map_old / scene.render.frame_map_new
    return SceneTiming(scene_fps(scene) * stretch, first_frame * stretch)


def plan_result(
    rig: RigDescription, kept: KeptMotion, provenance: Provenance, settings: GenerateSettings
) -> CurvePlan:
    """Plan the keys of a solved motion; writes nothing. What the artist has adjusted of the line stays adjusted."""
    assert kept.solved is not None
    apply, solved, noted = apply_settings(settings), kept.solved, ""
    carried = carried_adjust(find_object(rig.object_name), apply.line, settings.bake)
    if carried is not None:
        noted, solved = adjust_json(carried), adjustable(kept, prepare_solver(rig, open_basis())).adjusted(carried)
        apply = dataclasses.replace(
            apply, ease_seconds=carried.ease_in_seconds, ease_out_seconds=carried.ease_out_seconds
        )
    plan = plan_curves(rig, solved, kept.timing, apply, existing_of(rig), provenance_text(provenance, settings))
    if carried is not None:
        plan = tidied(plan, rig, carried.tidy_mm, carried.keys_on)
    return dataclasses.replace(plan, adjust_json=noted)


def provenance_text(provenance: Provenance, settings: GenerateSettings) -> str:
    """What is kept with the keys: where the motion came from and how it was written."""
    return json.dumps({**provenance.to_json(), "bake": settings.bake.to_json()}, sort_keys=True)


def _summed_up(
    rig: RigDescription, result: MotionResult, plan: CurvePlan, applied: ApplyReport, elapsed_seconds: float
) -> GenerateReport:
    quality = result.reference_report
    along = tuple(line for line in describe_match(rig) if line.startswith("Keyed along"))
    notes = (*result.notes, *(quality.warnings if quality else ()), *plan.warnings)
    return GenerateReport(
        object_name=rig.object_name,
        motion_seconds=result.motion.seconds,
        keys_written=applied.keys_written,
        actions=applied.actions,
        style=result.style,
        mixed_in=result.provenance.mixed_in,
        neighbours=result.neighbours,
        codes=result.codes,
        reference=quality.summary() if quality else None,
        quality=quality,
        elapsed_seconds=elapsed_seconds,
        details=along,
        # the same sentence can come from the clip and from the style fitted on it
        notes=tuple(dict.fromkeys(note for note in notes if not quality or note not in quality.summary())),
    )


def _beyond_the_end(scene: bpy.types.Scene, plan: CurvePlan) -> tuple[str, ...]:
    last = round(plan.last * scene.render.frame_map_new / scene.render.frame_map_old)
    if last <= scene.frame_end:
        return ()
    return (f"The keys go on to frame {last}; the scene ends at frame {scene.frame_end}.",)


def watch_job(job: EngineJob[T]) -> Steps[T]:
    """Pass the engine's progress on until it is done; then its result or its error. Never waits."""
    while not (status := job.poll()).done:
        words = stage_label(status.stage)
        if status.silent_for:
            words = f"{words}: {status.silent_for}"
        if status.quiet_seconds >= _QUIET_SECONDS:
            words = f"{words} (this step for {status.quiet_seconds:.0f} s)"
        yield StepStatus(words, status.fraction * _ENGINE_SHARE, status.seconds_left)
    return job.result()


def watch_one_of(job: EngineJob[T], name: str, number: int, count: int) -> Steps[T]:
    """:func:`watch_job` for the job with this number of ``count`` after each other; it is cancelled if left early."""
    try:
        return (yield from part_of(watch_job(job), name, number, count))
    finally:
        job.cancel()


def search_landmarks(rig: RigDescription, engine: Engine) -> Steps[LandmarkBinding]:
    """Where the face is on an unknown topology: draw the neutral face and let the engine's tracker look at it."""
    search = landmark_search(rig)
    picture = next(search)
    while True:
        job = engine.track_picture(picture)
        try:
            seen = yield from watch_job(job)
        finally:
            job.cancel()
        try:
            picture = search.send(seen)
        except StopIteration as finished:
            binding: LandmarkBinding = finished.value
            return binding


def find_object(name: str) -> bpy.types.Object:
    found = bpy.data.objects.get(name)
    if found is None:
        raise RigError(f'There is no object called "{name}".', "Choose the mesh of the face again.")
    return found


def find_scene(name: str) -> bpy.types.Scene:
    found = bpy.data.scenes.get(name)
    if found is None:
        raise RigError(f'The scene "{name}" is gone.', "Generate again in the scene you want.")
    return found
