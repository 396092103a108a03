# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Demo Head: a ready rig to try Mimesh on."""

from __future__ import annotations

import bpy

from ..core.errors import MimeshError
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_add_demo_head(bpy.types.Operator):
    """Add the bundled head with its rig, and choose it as the face"""

    bl_idname = "mimesh.add_demo_head"
    bl_label = "Add Demo Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """New objects can only be added in Object Mode."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The new head becomes the target."""
        from ..core.blender.demo_head import create_demo_head

        try:
            head = create_demo_head(context.scene)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        scene_settings(context).target = head
        self.report({"INFO"}, f"Added {head.name}.")
        return {"FINISHED"}


register, unregister = classes_factory((MIMESH_OT_add_demo_head,))
