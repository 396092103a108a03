# SPDX-License-Identifier: GPL-3.0-or-later
"""Clear Mimesh Animation: removes the actions that Mimesh made on the face, and nothing else."""

from __future__ import annotations

import bpy

from ..core.errors import MimeshError
from .properties import run_state, scene_settings
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_clear_animation(bpy.types.Operator):
    """Remove the actions that Mimesh made on the chosen face; other people's actions stay"""

    bl_idname = "mimesh.clear_animation"
    bl_label = "Clear Mimesh Animation"
    bl_options = {"REGISTER", "UNDO"}

    edited_too: bpy.props.BoolProperty(
        name="Edited Ones Too",
        description="Also remove actions that were edited by hand after Mimesh made them",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face, and no run that is about to write to it."""
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
        elif scene_settings(context).target is None:
            cls.poll_message_set("Choose the mesh of the face.")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Says how many actions went."""
        from ..core.blender.clear import clear_animation

        target = scene_settings(context).target
        try:
            cleared = clear_animation(target, self.edited_too)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if cleared.kept:
            self.report(
                {"WARNING"},
                f"{', '.join(cleared.kept)} was edited by hand and stays; tick Edited Ones Too to remove it.",
            )
        if not cleared.removed:
            if not cleared.kept:
                self.report({"INFO"}, f"{target.name} has no animation made by Mimesh.")
            return {"CANCELLED"}
        run_state(context).result = ""
        self.report({"INFO"}, f"Removed {', '.join(cleared.removed)}.")
        return {"FINISHED"}


register, unregister = classes_factory((MIMESH_OT_clear_animation,))
