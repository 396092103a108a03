# SPDX-License-Identifier: GPL-3.0-or-later
"""The closures of a line's lips looked through: marked where they stay open, gone through one by one, repaired."""

from __future__ import annotations

import bpy

from ..core.errors import MimeshError
from .adjust import OnKeptLine, current_line
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory, explain


class MIMESH_OT_check_closures(OnKeptLine, bpy.types.Operator):
    """Put a marker on the timeline wherever an m, b or p of the line stays open on the mesh"""

    bl_idname = "mimesh.check_closures"
    bl_label = "Check Closures"
    bl_options = {"REGISTER", "UNDO"}

    repair: bpy.props.BoolProperty(
        name="Repair",
        description="Put the line's own keys back where edited ones hold the lips open",
        default=False,
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Says where lips stay open."""
        from ..core.blender.closure_check import mark_open_closures
        from ..core.blender.closure_repair import repair_closures

        target, line = scene_settings(context).target, current_line(context)
        if line is None:
            return {"CANCELLED"}
        try:
            check = repair_closures if self.repair else mark_open_closures
            found = check(context.scene, target, line)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if found:
            self.report({"WARNING"}, f"Lips stay open at frames {', '.join(str(c.middle) for c in found)}.")
        else:
            self.report({"INFO"}, "All closures of the lips are shut.")
        return {"FINISHED"}


class MIMESH_OT_show_open_closure(bpy.types.Operator):
    """Go to the next closure of the line that stays open, round from the last to the first"""

    bl_idname = "mimesh.show_open_closure"
    bl_label = "Next Open Closure"
    bl_options = {"REGISTER", "UNDO"}

    back: bpy.props.BoolProperty(name="Back", description="To the one before", default=False, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs markers."""
        return explain(cls, "" if open_closures(context) else "No closure of this line is marked: check closures.")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The artist's own markers are passed over."""
        frames, now = open_closures(context), context.scene.frame_current
        if self.back:
            chosen = max((frame for frame in frames if frame < now), default=frames[-1])
        else:
            chosen = min((frame for frame in frames if frame > now), default=frames[0])
        context.scene.frame_set(chosen)
        return {"FINISHED"}


def open_closures(context: bpy.types.Context) -> list[int]:
    """Frames of the line's closures that are marked as open, in their order; cheap enough for a panel."""
    from ..core.blender.tags import CLOSURE_MARKER

    line = current_line(context)
    if line is None:
        return []
    frames = [marker.frame for marker in context.scene.timeline_markers if marker.name.startswith(CLOSURE_MARKER)]
    return sorted(frame for frame in frames if line.first <= frame <= line.last)


register, unregister = classes_factory((MIMESH_OT_check_closures, MIMESH_OT_show_open_closure))
