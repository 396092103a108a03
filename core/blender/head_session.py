# SPDX-License-Identifier: GPL-3.0-or-later
"""Another head motion for a face that talks already, and clips for the bank that head motion is retrieved from.

Steps as in :mod:`.session`: nothing is written before the last one.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import bpy
import numpy as np

from ..adjust_settings import AdjustSettings
from ..client.choices import GenerateSettings
from ..client.engine_port import Engine
from ..client.report import HeadReport
from ..client.steps import StepStatus
from ..errors import RigError
from ..exchange.provenance import Provenance
from ..exchange.request import BankRequest, MotionRequest
from ..exchange.results import BankResult, HeadResult
from ..face.basis import open_basis
from ..face.motion import INTERNAL_FPS
from ..face.rotations import FloatArray
from ..rig.curves import ARMATURE, KEY, part_keys
from ..rig.description import RigDescription
from ..rig.existing import CurvePoints, Line
from ..rig.face import rig_face
from ..rig.head_plan import HeadMotion, KeyedFace, plan_head
from ..rig.solve import FLAME_IN_BLENDER, is_native
from ..settings_schema import Affected
from .adjust_record import adjusted_plan, carried_adjust
from .apply import apply_plan
from .armature import find_armature
from .kept import keep, kept_lines, load
from .layers import pull_edits, refresh_layers
from .read_animation import line_curves, read_provenance
from .session import (
    apply_settings,
    existing_of,
    find_object,
    find_scene,
    motion_request,
    provenance_text,
    read_target,
    scene_timing,
)
from .sources import read_reference, read_speech
from .watch import Steps, watch_job

# what is made anew here; the rest of the provenance stays that of the face
_MADE_AGAIN: frozenset[Affected] = frozenset({"head", "eyes", "bake"})


def regenerate_head_steps(scene: bpy.types.Scene, settings: GenerateSettings, engine: Engine) -> Steps[HeadReport]:
    """Key head and gaze anew, nothing else. Raises :class:`MimeshError` before anything is written."""
    started = time.perf_counter()
    scene_name = scene.name
    yield StepStatus("Reading the scene", 0.0)
    scene = find_scene(scene_name)
    speech = read_speech(scene, settings.speech)
    known = _require_ours(settings.object_name, settings.speech.value)
    job = engine.regenerate_head(_for_the_face(motion_request(scene, settings, speech), known))
    try:
        result = yield from watch_job(job)
    finally:
        job.cancel()
    yield StepStatus("Writing the keys", 0.99)
    target = find_object(settings.object_name)
    _require_same_speech(target, result, settings.speech.value)
    rig = read_target(settings.object_name)
    pull_edits(target)
    carried = carried_adjust(target, settings.speech.value, settings.bake)
    amounts = carried or AdjustSettings()
    head, gaze = result.head * np.float32(amounts.head), result.gaze * np.float32(amounts.gaze)
    plan = plan_head(
        rig,
        HeadMotion(INTERNAL_FPS, head, gaze, _flame_to_object(rig)),
        scene_timing(find_scene(scene_name), speech.first_frame),
        apply_settings(settings),
        KeyedFace(existing_of(rig), _line(rig, target, settings.speech.value)),
        provenance_text(result.provenance.with_kept(known, _MADE_AGAIN), settings),
    )
    if carried is not None:
        plan = adjusted_plan(plan, rig, carried)
    apply_plan(plan, target)
    _keep_turned(target, plan.line, result)
    refresh_layers(target)
    return HeadReport(
        settings.object_name, time.perf_counter() - started, result.neighbours, result.notes, result.codes
    )


def add_to_bank_steps(
    scene: bpy.types.Scene, settings: GenerateSettings, bank: Path, name: str, engine: Engine
) -> Steps[BankResult]:
    """Put the chosen reference into the bank file under ``name`` (empty takes the clip's)."""
    scene_name = scene.name
    yield StepStatus("Reading the scene", 0.0)
    scene = find_scene(scene_name)
    reference, style = read_reference(scene, settings.reference)
    job = engine.add_to_bank(BankRequest(bank, reference, style, name, settings.run.device))
    try:
        return (yield from watch_job(job))
    finally:
        job.cancel()


def _for_the_face(request: MotionRequest, known: Provenance) -> MotionRequest:
    """The request for the engine that made the face, so that none is trained for the head; a mix is the face's own."""
    face = dataclasses.replace(request.face, engine=known.face.engine)
    return dataclasses.replace(request, face=face, second_style=None)


def _require_ours(object_name: str, sound: str) -> Provenance:
    """The provenance of the face. Raises :class:`RigError` where there is none."""
    target = find_object(object_name)
    if find_armature(target) is None:
        raise RigError(f'"{object_name}" has no armature, so there is no head to turn.', "Choose a rig with one.")
    known = read_provenance(target, sound)
    if known is None:
        raise RigError(f'"{object_name}" has no animation that Mimesh made.', "Generate first.")
    return Provenance.from_json(known)


def _require_same_speech(target: bpy.types.Object, result: HeadResult, sound: str) -> None:
    """The head must fit the mouth that is there."""
    known = read_provenance(target, sound)
    if known is not None and known.get("audio_hash") != result.provenance.audio_hash:
        raise RigError(
            f'The face "{target.name}" talks to other speech than the one that is chosen now.',
            "Generate again, or choose the speech that it was made for.",
        )


def _line(rig: RigDescription, target: bpy.types.Object, sound: str) -> dict[str, tuple[CurvePoints, ...]]:
    """The curves of the line by datablock."""
    owners = {KEY: target.data.shape_keys, ARMATURE: find_armature(target)}
    owners |= {part_keys(part.object_name): find_object(part.object_name).data.shape_keys for part in rig.parts}
    found = {name: line_curves(owner, sound, target.name) for name, owner in owners.items()}
    return {name: curves for name, curves in found.items() if curves}


def _keep_turned(target: bpy.types.Object, line: Line, result: HeadResult) -> None:
    """The line's kept motion with the new head; lines of earlier versions have none."""
    known = next((found for found in kept_lines(target) if found.line == line and found.has_motion), None)
    if known is not None:
        keep(target, line, load(known).with_head(result.head, result.gaze))


def _flame_to_object(rig: RigDescription) -> FloatArray:
    basis = open_basis()
    return FLAME_IN_BLENDER if is_native(rig, basis) else rig_face(rig, basis).flame_to_object
