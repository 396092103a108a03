# SPDX-License-Identifier: GPL-3.0-or-later
"""A made FLAME-like head on which a line of speech is planned and keyed without an engine."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from core.blender.apply import ApplyReport, apply_plan
from core.blender.armature import find_armature
from core.blender.compat import assign_action
from core.blender.read_animation import read_existing
from core.blender.read_rig import read_rig
from core.rig.plan import ApplySettings, CurvePlan, plan_curves
from core.rig.solve import RigMotion
from core.rig.timing import SceneTiming
from tests import face_fixtures
from tests.blender import builders

FACE = face_fixtures.synthetic_face()
FRAMES = 40


def motion(level: float = 1.0, frames: int = FRAMES, keys: int = 50) -> RigMotion:
    """Every key at ``level``, jaw and head turned a little."""
    still = np.zeros((frames, 3), np.float32)
    turn = still + np.array([0.2, 0.0, 0.0], np.float32)
    eyes = np.zeros((frames, 2, 3), np.float32)
    values = np.full((frames, keys), level, np.float32)
    return RigMotion(25.0, values, turn, 0.5 * turn, eyes, builders.FLAME_IN_BLENDER)


def plan(
    obj: bpy.types.Object, start: float = 1.0, sound: str = "a.wav", level: float = 1.0, **chosen: Any
) -> CurvePlan:
    rig = read_rig(obj)
    settings = ApplySettings(line=sound, **chosen)
    existing = read_existing(obj, [part.object_name for part in rig.parts])
    moved = motion(level, keys=len(rig.key_names))
    return plan_curves(rig, moved, SceneTiming(25.0, start), settings, existing, '{"seed": 0}')


def generate(obj: bpy.types.Object, *args: Any, **chosen: Any) -> ApplyReport:
    return apply_plan(plan(obj, *args, **chosen), obj)


def key(obj: bpy.types.Object, frame: float, name: str = "Exp1") -> float:
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
    return float(obj.data.shape_keys.key_blocks[name].value)


def jaw(obj: bpy.types.Object, frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return float(find_armature(obj).pose.bones["jaw"].rotation_quaternion.to_euler().x)


def artist(owner: Any, path: str, points: list[tuple[int, float]], name: str = "Acting") -> bpy.types.Action:
    action = bpy.data.actions.new(name)
    curve = assign_action(owner, action).new(path)
    for frame, value in points:
        curve.keyframe_points.insert(frame, value)
    return action


def head() -> bpy.types.Object:
    return builders.build_rig(FACE)
