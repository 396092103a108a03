# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans another head motion for a face that is animated already: everything else stays key for key."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.rotations import FloatArray
from .description import RigDescription
from .existing import CurvePoints, ExistingAnimation
from .plan import ApplySettings, CurvePlan, Datablock, PlannedCurve, bone_path, key_path, plan_curves
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
    """What animates a face now: who made it, and every curve of the shape keys and of the bones."""

    existing: ExistingAnimation
    keys: tuple[CurvePoints, ...] = ()
    bones: tuple[CurvePoints, ...] = ()


def plan_head(
    rig: RigDescription,
    motion: HeadMotion,
    timing: SceneTiming,
    settings: ApplySettings,
    keyed: KeyedFace,
    provenance_json: str,
) -> CurvePlan:
    """Our actions again, with every present curve kept but those of head, neck and gaze.

    The shape keys are touched only where the rig shows its gaze by them. Raises :class:`RigError` where there is no
    head to turn, or an action in the way is not ours or was edited by hand.
    """
    bones = [name for name in (rig.neck_bone, rig.head_bone, rig.left_eye_bone, rig.right_eye_bone) if name]
    if rig.head_bone is None:
        raise RigError(f'"{rig.object_name}" has no head or neck bone to turn.', "Choose a rig that has one.")
    gaze_paths = _gaze_paths(rig)
    existing = keyed.existing if gaze_paths else ExistingAnimation(armature=keyed.existing.armature)
    settings = dataclasses.replace(settings, on_existing="refuse")
    plan = plan_curves(rig, _without_face(rig, motion), timing, settings, existing, provenance_json)
    turning = tuple(bone_path(name, "") for name in bones)
    bone_curves = _kept("armature", (c for c in keyed.bones if not c.path.startswith(turning)))
    bone_curves += plan.curves_of("armature")
    if not bone_curves:
        raise RigError(f'The head of "{rig.object_name}" would not move at all.', "Raise the amount of head motion.")
    key_curves: tuple[PlannedCurve, ...] = ()
    if gaze_paths:
        key_curves = _kept("key", (c for c in keyed.keys if c.path not in gaze_paths))
        key_curves += tuple(curve for curve in plan.curves_of("key") if curve.path in gaze_paths)
    return dataclasses.replace(plan, curves=key_curves + bone_curves, widen=(), existing=keyed.existing)


def _gaze_paths(rig: RigDescription) -> frozenset[str]:
    boneless = (rig.left_eye_bone is None, rig.right_eye_bone is None)
    return frozenset(key_path(key.name) for key in rig.gaze_keys if boneless[key.eye])


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


def _kept(datablock: Datablock, curves: Iterable[CurvePoints]) -> tuple[PlannedCurve, ...]:
    return tuple(
        PlannedCurve(
            datablock, curve.path, curve.index, curve.points[:, 0], curve.points[:, 1], _group(datablock, curve.path)
        )
        for curve in curves
    )


def _group(datablock: Datablock, path: str) -> str:
    """As :func:`plan_curves` calls them: a bone's channel group has its name, pose.bones["jaw"].rotation_euler."""
    return "Mimesh keys" if datablock == "key" else path.split('"')[1] if '"' in path else ""
