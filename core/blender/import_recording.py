# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording of Apple's 52 shapes onto any face that Mimesh can drive: lips, lids, gaze and head.

It goes through the open face basis and the rig's own solve, like speech does. A face with Apple's own keys gets the
recorded values themselves.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
from numpy.typing import NDArray

from ..arkit.names import SHAPES
from ..arkit.read import read_recording
from ..arkit.recording import FaceRecording, recorded_motion
from ..client.choices import GenerateSettings, SourceChoice
from ..client.report import GenerateReport
from ..client.steps import StepStatus
from ..direct.kept_motion import KeptMotion, rig_digest
from ..errors import EngineSetupError
from ..exchange.provenance import Provenance
from ..exchange.results import MotionResult
from ..face.basis import open_basis
from ..rig.conventions.arkit import CONVENTION as ARKIT
from ..rig.description import LandmarkBinding, RigDescription
from ..rig.frames import align_rig, snapped_axes
from ..rig.solve import FLAME_IN_BLENDER, RigMotion
from ..rig.timing import SceneTiming
from ..settings import MOTION_GROUPS, BakeSettings
from ..weights import file_hash
from .session import find_object, read_target, refuse_existing, result_steps, search_landmarks
from .solve_line import solve_steps
from .watch import Steps

if TYPE_CHECKING:
    from ..client.engine_port import Engine

# in place of a network's hash, for keys that no network made
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """path: the recording. first_frame: of the scene, where its first frame lies. fps: overrules the file's own.

    from_rest: the head turns relative to its mean pose. solve: also where the face has Apple's own keys.
    """

    object_name: str
    path: Path
    first_frame: float
    fps: float | None = None
    from_rest: bool = True
    solve: bool = False
    bake: BakeSettings = field(default_factory=BakeSettings)


def import_steps(scene: bpy.types.Scene, settings: ImportSettings, engine: Engine | None) -> Steps[GenerateReport]:
    """Read, solve, write. Raises a :class:`MimeshError` for whatever it refuses, before anything is written.

    engine: looks for the face on a mesh whose landmarks are not known; not needed otherwise.
    """
    started, scene_name = time.perf_counter(), scene.name
    yield StepStatus("Reading the recording", 0.0)
    found = read_target(find_object(settings.object_name).name)
    recording = read_recording(settings.path, settings.fps)
    keys = _key_settings(settings)
    refuse_existing(found, keys, settings.first_frame)
    copied = _is_copied(found, settings)
    binding = found.binding
    if binding is None and not copied:
        binding = yield from _searched(found, engine)
    yield StepStatus("Reading the recording", 0.5)
    result = _result(recording, settings)

    def solve(rig: RigDescription, result: MotionResult, timing: SceneTiming) -> Steps[KeptMotion]:
        if not copied:
            return (yield from solve_steps(rig, result, timing))
        yield StepStatus("Fitting the rig", 0.97)
        return _copied(rig, result, timing, recording)

    report = yield from result_steps(scene_name, keys, binding, result, settings.first_frame, started, solve)
    return dataclasses.replace(report, notes=(*recording.notes, *report.notes))


def needs_engine(settings: ImportSettings) -> bool:
    """Whether the face has to be looked for on the mesh. Raises :class:`RigError` for a mesh that is none."""
    found = read_target(settings.object_name)
    return found.binding is None and not _is_copied(found, settings)


def _is_copied(rig: RigDescription, settings: ImportSettings) -> bool:
    return rig.convention.label == ARKIT.label and not settings.solve


def _searched(rig: RigDescription, engine: Engine | None) -> Steps[LandmarkBinding]:
    if engine is None:
        raise EngineSetupError(
            f'Where the face is on "{rig.object_name}" is not known yet, and no engine is set up to look.',
            "Set up the engine, or choose a mesh that Mimesh has keyed before.",
        )
    return (yield from search_landmarks(rig, engine))


def _copied(rig: RigDescription, result: MotionResult, timing: SceneTiming, recording: FaceRecording) -> KeptMotion:
    """The recording's own values on Apple's keys; bones turn as for any other rig."""
    motion = result.motion
    eyes = np.concatenate([motion.gaze, np.zeros((len(motion), 2, 1), np.float32)], axis=2)
    axes = FLAME_IN_BLENDER
    if rig.binding is not None:
        axes = snapped_axes(align_rig(rig, open_basis().neutral).rotation)
    solved = RigMotion(
        fps=motion.fps,
        key_values=recorded_values(rig, recording),
        jaw=motion.jaw,
        head=motion.head,
        eyes=eyes,
        flame_to_object=axes,
    )
    return KeptMotion(motion, None, 1.0, timing, solved, None, rig_digest(rig)).rounded()


def recorded_values(rig: RigDescription, recording: FaceRecording) -> NDArray[np.float32]:
    """(T, K) the recording's values for the keys of a rig whose convention is Apple's, within their sliders."""
    keys = np.zeros((len(recording), len(rig.key_names)))
    for column, meaning in enumerate(rig.key_meanings):
        # some tools make two keys of one middle shape
        shape = meaning if meaning in SHAPES else meaning.removesuffix("Left").removesuffix("Right")
        if shape in SHAPES:
            keys[:, column] = recording.values[:, SHAPES.index(shape)]
        elif f"{meaning}Left" in SHAPES:
            both = [SHAPES.index(f"{meaning}{side}") for side in ("Left", "Right")]
            keys[:, column] = recording.values[:, both].mean(axis=1)
    low, high = np.asarray(rig.key_ranges).T
    return np.clip(keys, low, np.maximum(high, 1.0)).astype(np.float32)


def _key_settings(settings: ImportSettings) -> GenerateSettings:
    """As for a line of speech in a file, by which later takes of it are known."""
    groups = {name: group() for name, group in MOTION_GROUPS.items()}
    return GenerateSettings(
        object_name=settings.object_name,
        speech=SourceChoice("file", str(settings.path)),
        bake=settings.bake,
        **groups,  # type: ignore[arg-type]
    )


def _result(recording: FaceRecording, settings: ImportSettings) -> MotionResult:
    motion = recorded_motion(recording, settings.from_rest)
    groups = {name: group() for name, group in MOTION_GROUPS.items()}
    origin = Provenance(
        audio_source=str(settings.path),
        audio_hash=file_hash(settings.path),
        audio_seconds=recording.seconds,
        model_hash=RECORDED,
        basis_hash=motion.basis_hash,
        **groups,  # type: ignore[arg-type]
    )
    return MotionResult(motion=motion, style=None, reference_report=None, stage_seconds={}, provenance=origin)
