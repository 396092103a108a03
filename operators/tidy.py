# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys on a line."""

from __future__ import annotations

import bpy

from .adjust import OnKeptLine, adjust_now, current_line, current_miss
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_tidy_keys(OnKeptLine, bpy.types.Operator):
    """Leave only the keys that the lips need; yours stay, and an error of 0 puts all keys back"""

    bl_idname = "mimesh.tidy_keys"
    bl_label = "Tidy Keys"
    bl_options = {"REGISTER", "UNDO"}

    error_mm: bpy.props.FloatProperty(
        name="Error",
        description="How many millimetres the lips may be off; 0 is a key on every frame",
        default=0.3,
        min=0.0,
        max=2.0,
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Says how many keys are left."""
        from ..core.blender.adjust import line_key_count

        target, line = scene_settings(context).target, current_line(context)
        before = line_key_count(target, line) if line is not None else 0
        reason = adjust_now(context, {"tidy_mm": self.error_mm})
        if reason or line is None:
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        self.report({"INFO"}, f"The line has {line_key_count(target, line)} keys; it had {before}.")
        if missed := current_miss(context):
            self.report({"WARNING"}, missed)
        return {"FINISHED"}


register, unregister = classes_factory((MIMESH_OT_tidy_keys,))
