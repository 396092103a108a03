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
from collections.abc import Callable
from dataclasses import dataclass

import bpy

from ..client.choices import GenerateSettings
from ..client.engine_port import Engine
from ..client.report import GenerateReport
from ..client.steps import StepStatus
from ..direct.adjust import adjustable
from ..direct.kept_motion import KeptMotion
from ..errors import MimeshError, RigError
from ..exchange.provenance import Provenance
from ..exchange.request import MotionRequest
from ..exchange.results import MotionResult
from ..face.basis import open_basis
from ..model_pack import require_pack
from ..rig.description import LandmarkBinding, RigDescription
from ..rig.existing import ExistingAnimation
from ..rig.plan import ApplySettings, CurvePlan, plan_curves, refuse_early
from ..rig.solve import prepare_solver
from ..rig.timing import SceneTiming
from .adjust_record import adjusted_plan, carried_adjust
from .apply import apply_plan
from .correspond import landmark_search, store_binding
from .first_keys import FirstKeys
from .kept import keep
from .layers import pull_edits, refresh_layers
from .moved_keys import follow_moved_keys
from .read_animation import read_existing
from .read_rig import read_rig
from .read_scene import scene_fps
from .run_report import beyond_the_end, summed_up
from .solve_line import solve_steps
from .sources import PlacedMedia, existing_file, read_reference, read_speech
from .takes import forget_takes
from .watch import ENGINE_SHARE, Steps, watch_job

Solve = Callable[[RigDescription, MotionResult, SceneTiming], Steps[KeptMotion]]


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
    scene: bpy.types.Scene,
    settings: GenerateSettings,
    request: MotionRequest,
    first_frame: float,
    engine: Engine,
    first: FirstKeys | None = None,
) -> Steps[GenerateReport]:
    """The same for a request that is known already; the speech's first sample sounds at ``first_frame``.

    first: takes a first version of the keys, where there is one. Never waits: whoever drives it sleeps between two
    steps.
    """
    started = time.perf_counter()
    scene_name = scene.name
    found = read_target(settings.object_name)
    refuse_existing(found, settings, first_frame)
    # first, because a mesh without a face is to be refused before the reference is learned from
    binding = found.binding or (yield from search_landmarks(found, engine))
    keys = first or FirstKeys()

    def show(made: MotionResult) -> Steps[None]:
        planned = yield from _planned(scene_name, settings, binding, made, first_frame, solve_steps)
        keys.write(planned.plan, find_object(settings.object_name), planned.kept)

    with keys:
        job = engine.submit(request, first=True) if first is not None else engine.submit(request)
        try:
            result = yield from watch_job(job, show if first is not None else None)
            steps = result_steps(scene_name, settings, binding, result, first_frame, started, solve_steps, keys)
            return (yield from steps)
        except MimeshError as error:
            if stays := keys.stays():
                raise type(error)(error.message, stays) from error
            raise
        finally:
            job.cancel()


def result_steps(
    scene_name: str,
    settings: GenerateSettings,
    binding: LandmarkBinding | None,
    result: MotionResult,
    first_frame: float,
    started: float,
    solve: Solve = solve_steps,
    first: FirstKeys | None = None,
) -> Steps[GenerateReport]:
    """A motion that is there, onto the face: solve, plan, write.

    binding: None where ``solve`` needs none. started: ``time.perf_counter()`` of the run's begin. first: its keys are
    replaced.
    """
    planned = yield from _planned(scene_name, settings, binding, result, first_frame, solve)
    plan, found = planned.plan, first or FirstKeys()
    target = find_object(settings.object_name)
    applied = apply_plan(plan, target, found.replaced)
    found.settle()
    keep(target, plan.line, planned.kept)
    # they were of the earlier motion
    forget_takes(target, plan.line.sound)
    refresh_layers(target)
    if binding is not None and not planned.has_binding:
        store_binding(target, binding)
    report = summed_up(planned.rig, result, plan, applied, time.perf_counter() - started)
    notes = (*report.notes, *found.warnings, *beyond_the_end(find_scene(scene_name), plan))
    return dataclasses.replace(report, notes=tuple(dict.fromkeys(notes)))


@dataclass(frozen=True, slots=True, eq=False)
class _Planned:
    """What is to be written. has_binding: the mesh knows its landmarks already."""

    rig: RigDescription
    kept: KeptMotion
    plan: CurvePlan
    has_binding: bool


def _planned(
    scene_name: str,
    settings: GenerateSettings,
    binding: LandmarkBinding | None,
    result: MotionResult,
    first_frame: float,
    solve: Solve,
) -> Steps[_Planned]:
    """Solved and planned; nothing is written but the artist's edits of layers into their line."""
    yield StepStatus("Fitting the rig", ENGINE_SHARE)
    timing = scene_timing(find_scene(scene_name), first_frame)
    read = read_target(settings.object_name)
    rig = dataclasses.replace(read, binding=binding)
    kept = yield from solve(rig, result, timing)
    face = find_object(settings.object_name)
    pull_edits(face)
    follow_moved_keys(face, settings.speech.value)
    plan = plan_result(rig, kept, result.provenance, settings)
    yield StepStatus("Writing the keys", 0.99)
    return _Planned(rig, kept, plan, read.binding is not None)


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
    apply, solved = apply_settings(settings), kept.solved
    carried = carried_adjust(find_object(rig.object_name), apply.line, settings.bake)
    if carried is not None:
        solved = adjustable(kept, prepare_solver(rig, open_basis())).adjusted(carried)
        apply = dataclasses.replace(
            apply, ease_seconds=carried.ease_in_seconds, ease_out_seconds=carried.ease_out_seconds
        )
    plan = plan_curves(rig, solved, kept.timing, apply, existing_of(rig), provenance_text(provenance, settings))
    return plan if carried is None else adjusted_plan(plan, rig, carried)


def provenance_text(provenance: Provenance, settings: GenerateSettings) -> str:
    """What is kept with the keys: where the motion came from and how it was written."""
    return json.dumps({**provenance.to_json(), "bake": settings.bake.to_json()}, sort_keys=True)


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
