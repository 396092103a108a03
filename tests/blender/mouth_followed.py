# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that is keyed with somebody talking, and how its evaluated mouth follows."""

from __future__ import annotations

import bpy
import numpy as np

from core.blender.apply import apply_plan
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import prepare_solver
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import named_faces
from tests.blender.named_faces import opening_of

FACE = face_fixtures.synthetic_face()
MOTION = named_faces.talking(FACE)
WANTED = np.linalg.norm(FACE.basis.landmarks(MOTION)[:, 13] - FACE.basis.landmarks(MOTION)[:, 14], axis=1)


def key_and_apply(obj: bpy.types.Object) -> tuple[CurvePlan, np.ndarray]:
    """The plan and the opening of the evaluated mouth, frame by frame."""
    rig = read_rig(obj)
    solved = prepare_solver(rig, FACE.basis).solve(MOTION)
    existing = read_existing(obj, [part.object_name for part in rig.parts], rig.control_owners)
    plan = plan_curves(rig, solved, SceneTiming(25.0, 10.0), ApplySettings(), existing, "{}")
    apply_plan(plan, obj)
    openings = []
    for frame in range(10, 10 + len(MOTION)):
        bpy.context.scene.frame_set(frame)
        openings.append(opening_of(obj))
    return plan, np.array(openings)


def correlation(openings: np.ndarray) -> float:
    return float(np.corrcoef(openings, np.maximum(WANTED, 0.0))[0, 1])
