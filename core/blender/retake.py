# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of a few frames of a line: made by the engine, kept with the face, flipped through, accepted or rejected.

The takes lie in properties of the face's object until then: they are saved with the file and part of undo.
"""

from __future__ import annotations

import dataclasses
import json

import bpy
import numpy as np
from numpy.typing import NDArray

from ..client.choices import GenerateSettings, SourceChoice
from ..client.engine_port import Engine
from ..client.steps import StepStatus
from ..direct.kept_motion import KeptMotion
from ..direct.picture import face_picture, widest_frame
from ..direct.retake import TAKES, TakeRange, TakeVariation, with_solved, with_take
from ..direct.splice import spliced
from ..direct.written import CurveName, WrittenCurve
from ..errors import MimeshError, RigError
from ..exchange.provenance import Provenance
from ..exchange.request import MotionRequest
from ..exchange.results import MotionResult
from ..face.basis import open_basis
from ..face.motion import Motion
from ..rig.description import RigDescription
from ..rig.solve import prepare_solver
from ..settings import BakeSettings, FaceSettings, HeadSettings
from ..settings_schema import SettingsGroup, setting_fields
from ..style.traits import with_amounts
from ..trait_settings import TraitAmounts
from . import compat
from .adjust_ready import line_slots
from .apply import apply_plan
from .kept import KeptLine, keep, kept_lines, load
from .layers import in_step_with_layers, pull_edits
from .moved_keys import follow_moved_keys
from .read_animation import curve_points
from .session import find_object, find_scene, motion_request, plan_result, read_target
from .sources import read_speech
from .tags import MADE_PROPERTY
from .takes import BEFORE, Retake, forget_takes, keys_before, note_retake, open_retake, store_takes, take_motion
from .watch import Steps, watch_one_of

_BLEND_SECONDS = 0.2
_SHORTEST_SECONDS = 0.3


def line_at(obj: bpy.types.Object, first: float, last: float) -> KeptLine:
    """The line that has most of the frames. Raises :class:`RigError` where there is none."""
    lines = kept_lines(obj)
    shared = {line: min(line.last, last) - max(line.first, first) for line in lines}
    if not lines or max(shared.values()) <= 0:
        raise RigError(
            f'"{obj.name}" has no line of Mimesh between frames {first:g} and {last:g}.',
            "Set the preview range over the frames to make again, or generate first.",
        )
    return max(shared, key=lambda line: shared[line])


def retake_steps(
    scene: bpy.types.Scene, settings: GenerateSettings, first: float, last: float, engine: Engine
) -> Steps[Retake]:
    """Make the takes of the frames and show the first one. settings: of the line, its speech's kind included.

    Raises :class:`MimeshError` before anything is written.
    """
    scene_name = scene.name
    yield StepStatus("Reading the line", 0.0)
    scene = find_scene(scene_name)
    obj = find_object(settings.object_name)
    if open_retake(obj) is not None:
        raise RigError(f'"{obj.name}" has takes that wait for an answer.', "Accept or reject them first.")
    for found in kept_lines(obj):
        follow_moved_keys(obj, found.line.sound)
    line = line_at(obj, first, last)
    kept = load(line)
    where = _seconds(kept, line, first, last)
    request = motion_request(scene, settings, read_speech(scene, settings.speech))
    known = Provenance.from_json(json.loads(line.provenance_json))
    takes = []
    for number, variation in enumerate(TAKES):
        job = engine.submit(_varied(request, variation))
        result = yield from watch_one_of(job, f"Take {number + 1} of {len(TAKES)}", number, len(TAKES))
        _require_same_sound(result, known, line)
        takes.append(_livelier(result.motion, variation))
    yield StepStatus("Fitting the rig", 0.95)
    rig = read_target(settings.object_name)
    solver = prepare_solver(rig, open_basis())
    made = []
    for take in takes:
        new = with_take(kept, take, where)
        made.append(with_solved(new, solver.solve(new.motion), kept.solved, where))
    retake = Retake(line.line.sound, first, last, ("Before", *(variation.label for variation in TAKES)))
    obj = find_object(settings.object_name)
    pull_edits(obj)
    if load(_line_of(obj, retake)).pack() != kept.pack():
        raise RigError(f'The line "{retake.sound}" changed while takes of it were being made.', "Retake again.")
    store_takes(obj, retake, (kept, *made), _present_keys(obj, line, rig))
    try:
        show_take(obj, 1)
    except BaseException:
        # BaseException: an interrupt must not leave takes without an answer
        forget_takes(obj)
        raise
    return dataclasses.replace(retake, shown=1)


def show_take(obj: bpy.types.Object, number: int) -> None:
    """Key a take, 0 for the line as it was. Raises :class:`MimeshError`; the scene is then as before."""
    retake = _require_open(obj)
    if not 0 <= number < len(retake.labels):
        raise RigError(f"There is no take {number}; there are {len(retake.labels) - 1}.")
    with in_step_with_layers(obj):
        write_take(obj, _line_of(obj, retake), retake, number)
    note_retake(obj, dataclasses.replace(retake, shown=number))


def take_picture(obj: bpy.types.Object, number: int, pixels: int) -> NDArray[np.uint8]:
    """(pixels, pixels, 3) RGB of a take where the mouth is open most."""
    retake, kept = _require_open(obj), take_motion(obj, number)
    first, last = ((frame - kept.timing.first_frame) / kept.timing.fps for frame in (retake.first, retake.last))
    return face_picture(kept.motion, widest_frame(kept.motion, first, last), pixels)


def accept_take(obj: bpy.types.Object) -> Retake:
    """Keep what is shown; returns the answered retake."""
    retake = _require_open(obj)
    forget_takes(obj)
    return retake


def reject_takes(obj: bpy.types.Object) -> Retake:
    """Put the line back as it was."""
    retake = _require_open(obj)
    if retake.shown != BEFORE and any(line.line.sound == retake.sound for line in kept_lines(obj)):
        show_take(obj, BEFORE)
    forget_takes(obj)
    return retake


def write_take(obj: bpy.types.Object, line: KeptLine, retake: Retake, number: int) -> None:
    """Key a line anew with a take, with the provenance and notes that it has; frames outside of it stay key for key.

    Raises :class:`MimeshError`.
    """
    values = json.loads(line.provenance_json)
    settings = GenerateSettings(
        object_name=obj.name,
        speech=SourceChoice("file", line.line.sound),
        bake=BakeSettings.from_json(values.get("bake", {}), lenient=True),
    )
    noted = bpy.data.actions[line.action].get(MADE_PROPERTY)
    rig, provenance, kept = read_target(obj.name), Provenance.from_json(values), take_motion(obj, number)
    plan = plan_result(rig, kept, provenance, settings)
    if keys := keys_before(obj):
        before = plan_result(rig, take_motion(obj, BEFORE), provenance, settings)
        plan = spliced(keys, before, plan, (retake.first, retake.last), kept.timing.fps)
    applied = apply_plan(plan, obj)
    keep(obj, plan.line, kept)
    if noted is not None:
        for name in applied.actions:
            bpy.data.actions[name][MADE_PROPERTY] = noted


def _line_of(obj: bpy.types.Object, retake: Retake) -> KeptLine:
    found = next((line for line in kept_lines(obj) if line.line.sound == retake.sound), None)
    if found is None:
        raise RigError(f'"{obj.name}" has no line "{retake.sound}" any more.', "Reject its takes.")
    return found


def _require_open(obj: bpy.types.Object) -> Retake:
    retake = open_retake(obj)
    if retake is None:
        raise RigError(f'"{obj.name}" has no takes to choose from.', "Retake some frames first.")
    return retake


def _present_keys(obj: bpy.types.Object, line: KeptLine, rig: RigDescription) -> dict[CurveName, WrittenCurve]:
    """Every key of the line, the artist's too."""
    found = {}
    for datablock, slot in line_slots(obj, line, rig):
        for curve in compat.slot_curves(slot.action, slot.slot).fcurves:
            frames, values = np.ascontiguousarray(curve_points(curve).points.T)
            found[datablock, curve.data_path, curve.array_index] = WrittenCurve(frames, values)
    return found


def _seconds(kept: KeptMotion, line: KeptLine, first: float, last: float) -> TakeRange:
    timing = kept.timing
    begin = (max(first, line.first) - timing.first_frame) / timing.fps
    end = (min(last, line.last) - timing.first_frame) / timing.fps
    if end - begin < _SHORTEST_SECONDS:
        raise RigError(
            f"The frames {first:g} to {last:g} are {max(end - begin, 0.0):.2f} s of the line; a retake needs "
            f"{_SHORTEST_SECONDS:g} s.",
            "Widen the preview range.",
        )
    # the line's ends need no blending: what is beyond them is its ease
    begin = 0.0 if first <= line.first else begin
    end = kept.motion.seconds if last >= line.last else end
    return TakeRange(begin, end, _BLEND_SECONDS)


def _varied(request: MotionRequest, variation: TakeVariation) -> MotionRequest:
    strength = request.face.style_strength * variation.livelier
    temperature = request.head.temperature * variation.livelier
    return dataclasses.replace(
        request,
        run=dataclasses.replace(request.run, seed=request.run.seed + variation.seed),
        face=dataclasses.replace(request.face, style_strength=min(strength, _highest(FaceSettings, "style_strength"))),
        head=dataclasses.replace(request.head, temperature=min(temperature, _highest(HeadSettings, "temperature"))),
    )


def _highest(group: type[SettingsGroup], name: str) -> float:
    found = next(item.setting.high for item in setting_fields(group) if item.name == name)
    assert found is not None
    return found


def _livelier(motion: Motion, variation: TakeVariation) -> Motion:
    factor = variation.livelier
    return with_amounts(motion, TraitAmounts(opening=factor, rounding=factor, brows=factor))


def _require_same_sound(result: MotionResult, known: Provenance, line: KeptLine) -> None:
    if result.provenance.audio_hash != known.audio_hash:
        raise MimeshError(
            f'The sound of "{line.line.sound}" has changed since the line was made.', "Generate the line again first."
        )
