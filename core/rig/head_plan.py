# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans another head motion for a face that is animated already: everything else stays key for key."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RigError
from ..face.rotations import FloatArray
from .description import RigDescription
from .existing import CurvePoints, ExistingAnimation
from .plan import ApplySettings, CurvePlan, PlannedCurve, bone_path, plan_curves
from .solve import RigMotion
from .timing import SceneTiming


@dataclass(frozen=True, slots=True, eq=False)
class HeadMotion:
    """head: (T, 3) rotation vectors in radians in FLAME's axes at ``fps``; flame_to_object: (3, 3) to the mesh's."""

    fps: float
    head: NDArray[np.float32]
    flame_to_object: FloatArray


def plan_head(
    rig: RigDescription,
    motion: HeadMotion,
    timing: SceneTiming,
    settings: ApplySettings,
    existing: ExistingAnimation,
    present: Sequence[CurvePoints],
    provenance_json: str,
) -> CurvePlan:
    """Our armature action again, with ``present`` (its curves now) kept but for the head's and the neck's.

    Raises :class:`RigError` where there is no head to turn, or the action is not ours or was edited by hand.
    """
    bones = [name for name in (rig.neck_bone, rig.head_bone) if name is not None]
    if not bones:
        raise RigError(f'"{rig.object_name}" has no head or neck bone to turn.', "Choose a rig that has one.")
    plan = plan_curves(
        rig,
        _head_alone(rig, motion),
        timing,
        dataclasses.replace(settings, on_existing="refuse", eyes=False),
        # the shape keys are left alone, whoever animates them
        ExistingAnimation(armature=existing.armature),
        provenance_json,
    )
    heads = tuple(bone_path(name, "") for name in bones)
    kept = tuple(_planned(curve) for curve in present if not curve.path.startswith(heads))
    curves = kept + plan.curves_of("armature")
    if not curves:
        raise RigError(f'The head of "{rig.object_name}" would not move at all.', "Raise the amount of head motion.")
    return dataclasses.replace(plan, curves=curves, widen=(), existing=existing)


def _head_alone(rig: RigDescription, motion: HeadMotion) -> RigMotion:
    frames = len(motion.head)
    return RigMotion(
        fps=motion.fps,
        key_values=np.zeros((frames, len(rig.key_names)), np.float32),
        jaw=np.zeros((frames, 3), np.float32),
        head=motion.head,
        eyes=np.zeros((frames, 2, 3), np.float32),
        flame_to_object=motion.flame_to_object,
    )


def _planned(curve: CurvePoints) -> PlannedCurve:
    frames, values = curve.points[:, 0], curve.points[:, 1]
    # pose.bones["jaw"].rotation_euler: the channel group is called after the bone
    name = curve.path.split('"')[1] if '"' in curve.path else ""
    return PlannedCurve("armature", curve.path, curve.index, frames, values, name)
