# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads back what a keyed character really does: evaluated vertices, after F-curves, keys and armature."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from core.blender.apply import ApplyReport, apply_plan
from core.blender.demo_head import create_demo_head
from core.blender.read_animation import read_existing
from core.blender.read_mesh import vertex_positions
from core.blender.read_rig import read_rig
from core.errors import RigError
from core.face.basis import open_basis
from core.face.motion import Motion
from core.rig.description import LandmarkBinding
from core.rig.plan import ApplySettings, plan_curves
from core.rig.solve import prepare_solver
from core.rig.timing import SceneTiming

_CENTIMETRES_PER_METRE = 100.0


def key_motion(obj: bpy.types.Object, motion: Motion, timing: SceneTiming) -> ApplyReport:
    """Solve, plan and write a motion onto a character: what the Generate button does after the engine."""
    rig = read_rig(obj)
    rig_motion = prepare_solver(rig, open_basis()).solve(motion)
    plan = plan_curves(rig, rig_motion, timing, ApplySettings(on_existing="push_down"), read_existing(obj), "{}")
    return apply_plan(plan, obj)


def evaluated_landmarks(obj: bpy.types.Object, frames: Iterable[int]) -> NDArray[np.float32]:
    """(T, 478, 3) landmarks on the evaluated mesh, in centimetres and face axes (x right, y up, z to viewer)."""
    binding = read_rig(obj).binding
    if binding is None:
        raise RigError(f'"{obj.name}" has no landmarks.', "Bind them first.")
    scene = bpy.context.scene
    result = []
    for frame in frames:
        scene.frame_set(int(frame))
        result.append(_landmarks_now(obj, binding))
    return np.stack(result)


def demo_head_in_fresh_scene(fps: int = 25) -> bpy.types.Object:
    """An empty file with nothing but the demo head."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.data.scenes[0]
    scene.render.fps, scene.render.fps_base = fps, 1.0
    return create_demo_head(scene)


def replay_on_demo_head(motion_file: Path, out: Path) -> None:
    """Key a saved motion on the demo head and save the evaluated landmarks: one process per Blender version."""
    motion = Motion.load(motion_file)
    obj = demo_head_in_fresh_scene()
    report = key_motion(obj, motion.replace(head=np.zeros_like(motion.head)), SceneTiming(25.0, 1.0))
    landmarks = evaluated_landmarks(obj, range(1, len(motion) + 1))
    np.savez(
        out, landmarks=landmarks, keys=report.keys_written, seconds=report.seconds, version=bpy.app.version_string
    )


def _landmarks_now(obj: bpy.types.Object, binding: LandmarkBinding) -> NDArray[np.float32]:
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    corners = vertex_positions(mesh)[binding.triangles]  # (478, 3 corners, 3)
    points = (corners * binding.barycentric[:, :, None]).sum(axis=1) * _CENTIMETRES_PER_METRE
    # Blender's Z up, face to -Y, back to face axes
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=-1).astype(np.float32)
