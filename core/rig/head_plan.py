# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans another head motion for a face that is animated already: everything else stays key for key."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.rotations import FloatArray
from .curves import ARMATURE, KEY, PlannedCurve, bone_path, key_path
from .description import RigDescription
from .existing import CurvePoints, ExistingAnimation, ExistingDatablock
from .plan import GROUP, ApplySettings, CurvePlan, plan_curves
from .solve import RigMotion
from .timing import SceneTiming


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """head: (T, 3) rotation vectors in radians in FLAME's axes at ``fps``; gaze: (T, 2, 2) radians, as in ``Motion``.

    flame_to_object: (3, 3) takes FLAME's axes to the mesh's.
    """

    fps: float
    head: NDArray[np.float32]
    gaze: NDArray[np.float32]
    flame_to_object: FloatArray


@dataclass(frozen=True, slots=True)
class KeyedFace:
    """What animates a face now, and the curves of the line whose head is to move anew, by datablock."""

    existing: ExistingAnimation
    curves: Mapping[str, tuple[CurvePoints, ...]] = field(default_factory=dict)


def plan_head(
    rig: RigDescription,
    motion: HeadMotion,
    timing: SceneTiming,
    settings: ApplySettings,
    keyed: KeyedFace,
    provenance_json: str,
) -> CurvePlan:
    """The line again, with every present curve kept but those of head, neck and gaze.

    Shape keys that the artist has edited, or that are none of ours, are not touched. Raises :class:`RigError` where
    there is no head to turn, or the keys of head and gaze are not ours or were edited.
    """
    if rig.head_bone is None:
        raise RigError(
            f'"{rig.object_name}" has no head or neck bone to turn.',
            "Name its head bone in the Face Rig panel, or choose a rig that has one.",
        )
    turned = _turned(rig)
    ours = [name for name in keyed.curves if name == ARMATURE or turned.keys or _is_ours(keyed.existing.of(name))]
    existing = _only(keyed.existing, {ARMATURE, *ours})
    settings = dataclasses.replace(settings, on_existing="refuse")
    plan = plan_curves(rig, _without_face(rig, motion), timing, settings, existing, provenance_json)
    curves: tuple[PlannedCurve, ...] = ()
    for name in dict.fromkeys((ARMATURE, *ours)):
        curves += _kept(name, (c for c in keyed.curves.get(name, ()) if not turned.has(name, c)))
        curves += tuple(curve for curve in plan.curves_of(name) if turned.has(name, curve))
    if not any(curve.datablock == ARMATURE for curve in curves):
        raise RigError(f'The head of "{rig.object_name}" would not move at all.', "Raise the amount of head motion.")
    written = {curve.datablock for curve in curves}
    layers = tuple(layer for layer in plan.layers if layer.datablock in written)
    return dataclasses.replace(plan, curves=curves, widen=(), existing=keyed.existing, layers=layers)


def _is_ours(block: ExistingDatablock) -> bool:
    """Whether the datablock's lines are as we wrote them."""
    lines = block.lines()
    return bool(lines) and all(action.ours for action in lines)


def _only(existing: ExistingAnimation, datablocks: set[str]) -> ExistingAnimation:
    """What animates the named datablocks."""
    return ExistingAnimation(
        key=existing.key if KEY in datablocks else ExistingDatablock(),
        armature=existing.armature,
        parts=tuple((name, block) for name, block in existing.parts if name in datablocks),
    )


@dataclass(frozen=True, slots=True)
class _Turned:
    """The curves of head and gaze: bones by the beginning of their paths, keys, and controls that drive such keys."""

    bones: tuple[str, ...]
    keys: frozenset[str]
    controls: frozenset[tuple[str, str, int]]

    def has(self, datablock: str, curve: CurvePoints | PlannedCurve) -> bool:
        """Whether a curve of a datablock is one of them."""
        of_bone = datablock == ARMATURE and curve.path.startswith(self.bones)
        return of_bone or curve.path in self.keys or (datablock, curve.path, curve.index) in self.controls


def _turned(rig: RigDescription) -> _Turned:
    bones = [name for name in (rig.neck_bone, rig.head_bone, rig.left_eye_bone, rig.right_eye_bone) if name]
    boneless = (rig.left_eye_bone is None, rig.right_eye_bone is None)
    gaze = [key.name for key in rig.gaze_keys if boneless[key.eye]]
    controls = [rig.controls[name] for name in gaze if name in rig.controls]
    paths = frozenset(map(key_path, gaze))
    return _Turned(
        bones=tuple(bone_path(name, "") for name in bones),
        keys=paths | {own for own, path in rig.part_spellings.items() if path in paths},
        controls=frozenset((control.datablock, control.path, control.index) for control in controls),
    )


def _without_face(rig: RigDescription, motion: HeadMotion) -> RigMotion:
    frames = len(motion.head)
    return RigMotion(
        fps=motion.fps,
        key_values=np.zeros((frames, len(rig.key_names)), np.float32),
        jaw=np.zeros((frames, 3), np.float32),
        head=motion.head,
        eyes=np.concatenate([motion.gaze, np.zeros((frames, 2, 1), np.float32)], axis=2),
        flame_to_object=motion.flame_to_object,
    )


def _kept(datablock: str, curves: Iterable[CurvePoints]) -> tuple[PlannedCurve, ...]:
    return tuple(
        PlannedCurve(
            datablock, curve.path, curve.index, curve.points[:, 0], curve.points[:, 1], _group(datablock, curve.path)
        )
        for curve in curves
    )


def _group(datablock: str, path: str) -> str:
    """As :func:`plan_curves` calls them: a bone's channel group has its name, pose.bones["jaw"].rotation_euler."""
    return GROUP if datablock != ARMATURE else path.split('"')[1] if '"' in path else ""
