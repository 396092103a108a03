# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Export > Talking Character: lips, head and eyes in one animation, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .given_file import file_to_write
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory

FORMATS = (
    (".glb", "glTF (.glb)", "Game engines and the web; keys and bones in one animation"),
    (".fbx", "FBX (.fbx)", "Unreal, Unity, Maya; keys and bones in one take"),
    (".usdc", "USD (.usdc)", "Film pipelines; blend shapes and skeleton over time"),
    (".csv", "Live Link (.csv)", "Apple's 52 shapes in Live Link Face's order, for faces with those keys"),
    (".bvh", "BVH (.bvh)", "Bones alone: head and jaw"),
)


class MIMESH_OT_export_character(bpy.types.Operator):
    """Write the face, its bones and what goes with it over the scene's frames, as Blender shows them"""

    bl_idname = "mimesh.export_character"
    bl_label = "Export Talking Character"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    kind: bpy.props.EnumProperty(name="Format", description="What is written", items=FORMATS)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with a chosen face."""
        if context.scene is None or scene_settings(context).target is None:
            cls.poll_message_set("Choose the mesh of the face in the Mimesh panel.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file."""
        if not self.filepath:
            self.filepath = scene_settings(context).target.name + self.kind
        context.window_manager.fileselect_add(self)  # type: ignore[arg-type]
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Let the name end as the format says."""
        named = str(Path(self.filepath).with_suffix(self.kind))
        changed = named != self.filepath
        self.filepath = named
        return changed

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write; a name with a known ending counts more than the format."""
        from ..core.blender.export_scene import export_character, export_endings
        from ..core.errors import MimeshError

        try:
            path = file_to_write(self.filepath)
            if path.suffix.lower() not in export_endings():
                path = path.with_suffix(self.kind)
            found = export_character(context.scene, scene_settings(context).target.name, path)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {', '.join(found.objects)} to {path.name}.")
        return {"FINISHED"}


def draw_menu(self: Any, context: bpy.types.Context) -> None:
    """The entry in File > Export."""
    self.layout.operator(MIMESH_OT_export_character.bl_idname, text="Talking Character (Mimesh)")


_register_classes, _unregister_classes = classes_factory((MIMESH_OT_export_character,))


def register() -> None:
    """Add operator and menu entry."""
    _register_classes()
    bpy.types.TOPBAR_MT_file_export.append(draw_menu)


def unregister() -> None:
    """Take both back."""
    bpy.types.TOPBAR_MT_file_export.remove(draw_menu)
    _unregister_classes()
