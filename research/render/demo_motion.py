# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys a motion on the demo head exactly, coefficient by coefficient: its keys are the basis itself.

Used to make reference clips and to test the tracker; users' rigs go through the rig solve instead.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from core.blender.compat import assigned_home, new_curve
from core.face.basis import open_basis
from core.face.motion import Motion
from core.face.rotations import continuous_quaternions, quaternion_from_rotvec

_LINEAR = 1
_GROUP = "Motion"


def key_motion(obj: bpy.types.Object, motion: Motion, first_frame: int) -> None:
    """Motion frame t on scene frame ``first_frame + t``; the scene must run at the motion's rate."""
    motion.require_basis(open_basis().hash)
    frames = first_frame + np.arange(len(motion), dtype=np.float32)
    keys = obj.data.shape_keys
    curves = assigned_home(keys, bpy.data.actions.new("Demo face"))
    for index, values in enumerate(motion.expression.T):
        block = keys.key_blocks[f"Exp{index + 1}"]
        block.slider_min = min(block.slider_min, float(values.min()))
        block.slider_max = max(block.slider_max, float(values.max()))
        _write(curves, f'key_blocks["{block.name}"].value', 0, frames, values)
    _key_bones(obj.parent, motion, frames)


def _key_bones(rig: Any, motion: Motion, frames: NDArray[np.float32]) -> None:
    """Bones stand in FLAME's frame, so a rotation vector is the bone's own quaternion."""
    curves = assigned_home(rig, bpy.data.actions.new("Demo bones"))
    level = np.zeros((len(motion), 1))
    turns = {
        "neck": motion.head,
        "jaw": motion.jaw,
        "left_eye": np.concatenate([motion.gaze[:, 0], level], axis=1),
        "right_eye": np.concatenate([motion.gaze[:, 1], level], axis=1),
    }
    for name, rotvec in turns.items():
        rig.pose.bones[name].rotation_mode = "QUATERNION"
        quaternions = continuous_quaternions(quaternion_from_rotvec(rotvec))
        for index in range(4):
            path = f'pose.bones["{name}"].rotation_quaternion'
            _write(curves, path, index, frames, quaternions[:, index])


def _write(curves: Any, path: str, index: int, frames: NDArray[np.float32], values: NDArray[np.floating]) -> None:
    curve = new_curve(curves, path, index, _GROUP)
    points = np.stack([frames, values.astype(np.float32)], axis=1)
    curve.keyframe_points.add(len(points))
    curve.keyframe_points.foreach_set("co", points.ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(len(points), _LINEAR, np.int32))
    curve.update()
