# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads without bones of ARKit's names, a motion that is the same in every frame, and its plan."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders

FACE = face_fixtures.synthetic_face()
ARKIT = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthSmileRight", "cheekPuff")


def motion(rig: Any, level: float = 0.5) -> RigMotion:
    frames = 20
    turn = np.tile(np.array([0.2, 0.0, 0.0], np.float32), (frames, 1))
    values = np.full((frames, len(rig.key_names)), level, np.float32)
    return RigMotion(25.0, values, turn, turn, np.zeros((frames, 2, 3), np.float32), builders.FLAME_IN_BLENDER)


def plan(obj: bpy.types.Object, moved: RigMotion | None = None) -> CurvePlan:
    rig = read_rig(obj)
    existing = read_existing(obj, [part.object_name for part in rig.parts])
    return plan_curves(rig, moved or motion(rig), SceneTiming(25.0, 10.0), ApplySettings(), existing, "{}")


def arkit_head(name: str = "Face", keys: tuple[str, ...] = ARKIT) -> bpy.types.Object:
    choice = builders.RigChoice(key_names=keys, with_armature=False, name=name)
    return builders.build_rig(FACE, choice)


def value(obj: bpy.types.Object, key: str, frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return float(obj.data.shape_keys.key_blocks[key].value)
