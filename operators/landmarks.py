# SPDX-License-Identifier: GPL-3.0-or-later
"""Find Face Landmarks: looks for the face on the mesh again, after it was remodelled or found wrongly."""

from __future__ import annotations

import bpy

from .engine_access import engine_client
from .generate import target_disabled_reason
from .properties import run_state, scene_settings
from .stepping import SteppedOperator, Steps
from .stubs import classes_factory, explain


class MIMESH_OT_find_landmarks(SteppedOperator, bpy.types.Operator):
    """Look where lips, eyes and brows are on the mesh; Generate does this by itself for an unknown mesh"""

    bl_idname = "mimesh.find_landmarks"
    bl_label = "Find Face Landmarks"
    bl_options = {"UNDO"}

    task = "Find Face Landmarks"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face."""
        run = run_state(context)
        reason = f"{run.task} is running." if run.running else target_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.session."""
        from ..core.blender.session import find_landmarks_steps

        # a name outlives an undo, a reference to the object does not
        name = scene_settings(context).target.name
        binding = yield from find_landmarks_steps(name, engine_client(context))
        return f"Found {int(binding.valid.sum())} of {len(binding.valid)} landmarks on {name}."


register, unregister = classes_factory((MIMESH_OT_find_landmarks,))
