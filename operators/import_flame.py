# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Import > FLAME Head: a rigged head from the user's own FLAME file."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.errors import MimeshError
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_import_flame(bpy.types.Operator):
    """Import a FLAME model file as a rigged head, and choose it as the face"""

    bl_idname = "mimesh.import_flame"
    bl_label = "Import FLAME Head"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    filter_glob: bpy.props.StringProperty(default="*.pkl;*.npz;*.safetensors", options={"HIDDEN"})  # type: ignore[valid-type]
    expressions: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Expressions", description="How many expression keys to make", default=100, min=1, max=100
    )
    shapes: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Shapes", description="How many identity keys to make", default=0, min=0, max=300
    )
    correctives: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Pose Correctives", description="Make keys that correct the skin where bones turn", default=False
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """New objects can only be added in Object Mode."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file, unless it was dropped."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The new head becomes the target."""
        from ..core.blender.import_flame import FlameImport, import_flame_file

        settings = FlameImport(self.expressions, self.shapes, self.correctives)
        try:
            head = import_flame_file(context.scene, Path(bpy.path.abspath(self.filepath)), settings)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        scene_settings(context).target = head
        self.report({"INFO"}, f"Imported {head.name} with {len(head.data.shape_keys.key_blocks) - 1} keys.")
        return {"FINISHED"}


class MIMESH_OT_key_pose_correctives(bpy.types.Operator):
    """Key the Pose correctives of an imported FLAME head on every frame of the scene"""

    bl_idname = "mimesh.key_pose_correctives"
    bl_label = "Key Pose Correctives"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """On the chosen face, over the scene's frames."""
        from ..core.blender.import_flame import key_pose_correctives
        from ..core.blender.read_rig import require_mesh

        try:
            head = require_mesh(scene_settings(context).target)
            keys = key_pose_correctives(head, context.scene.frame_start, context.scene.frame_end)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Keyed {keys} values of the Pose keys of {head.name}.")
        return {"FINISHED"}


def _menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    menu.layout.operator(MIMESH_OT_import_flame.bl_idname, text="FLAME Head (.pkl/.npz/.safetensors)")


_register, _unregister = classes_factory((MIMESH_OT_import_flame, MIMESH_OT_key_pose_correctives))


def register() -> None:
    """The operators and the entry in File > Import."""
    _register()
    bpy.types.TOPBAR_MT_file_import.append(_menu)


def unregister() -> None:
    """Undo :func:`register`."""
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
    _unregister()
