# SPDX-License-Identifier: GPL-3.0-or-later
"""Add to Asset Browser: the demo head as an asset."""

from __future__ import annotations

import bpy

from .preferences import user_folder
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_add_assets(bpy.types.Operator):
    """Put the demo head into the asset browser, in a library called Mimesh"""

    bl_idname = "mimesh.add_assets"
    bl_label = "Add Demo Head to Asset Browser"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The head is built in the scene and taken out again."""
        if context.scene is None or context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write the file, and tell Blender of its folder."""
        from ..core.blender.assets import register_library, write_head_asset
        from ..core.errors import MimeshError

        assert context.scene is not None and context.view_layer is not None  # poll
        folder = user_folder() / "assets"
        try:
            path = write_head_asset(context.scene, context.view_layer, folder)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        register_library(context.preferences, folder)
        self.report({"INFO"}, f'The asset browser has it in the library "Mimesh" ({path}).')
        return {"FINISHED"}


register, unregister = classes_factory((MIMESH_OT_add_assets,))
