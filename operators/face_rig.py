# SPDX-License-Identifier: GPL-3.0-or-later
"""Check Face Rig: says before a run what drives what; and what the artist corrects is kept on the object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bpy

from .properties import run_state, scene_settings
from .stubs import OperatorResult, classes_factory

# as core.rig.names.ROLES, which is not imported here because it brings numpy into Blender's start-up
BONE_ROLES = ("jaw", "head", "neck", "left_eye", "right_eye")


def _getter(role: str) -> Callable[[Any], str]:
    def get(self: Any) -> str:
        return str(self.id_data.get(f"mimesh_{role}_bone", ""))

    return get


def _setter(role: str) -> Callable[[Any, str], None]:
    def keep(self: Any, value: str) -> None:
        from ..core.blender.rig_choice import choose_bone

        choose_bone(self.id_data, role, value)

    return keep


def _search_bones(self: Any, context: bpy.types.Context, edit_text: str) -> Iterator[str]:
    from ..core.blender.armature import find_armature

    armature = find_armature(self.id_data)
    return (bone.name for bone in armature.data.bones) if armature is not None else iter(())


def _bone(role: str) -> Any:
    """A field that names a bone; kept as a plain custom property, which works without the extension too."""
    words = role.replace("_", " ")
    return bpy.props.StringProperty(
        name=f"{words.title()} Bone",
        description=f"Bone that turns the {words}; empty lets Mimesh tell it from its name",
        get=_getter(role),
        set=_setter(role),
        search=_search_bones,
    )


class MimeshFaceRig(bpy.types.PropertyGroup):
    """What the artist says about the bones of a face."""

    jaw: _bone("jaw")
    head: _bone("head")
    neck: _bone("neck")
    left_eye: _bone("left_eye")
    right_eye: _bone("right_eye")


class MIMESH_OT_check_face_rig(bpy.types.Operator):
    """Say which shape keys and bones of the face will be keyed, and what would hide the result; changes nothing"""

    bl_idname = "mimesh.check_face_rig"
    bl_label = "Check Face Rig"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face."""
        return _has_face(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.blender.rig_report."""
        from ..core.blender.rig_report import describe_rig
        from ..core.errors import MimeshError

        run = run_state(context)
        try:
            lines = describe_rig(scene_settings(context).target)
        except MimeshError as error:
            run.rig_report = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        run.rig_report = "\n".join(lines)
        self.report({"INFO"}, lines[0])
        return {"FINISHED"}


def _search_keys(self: Any, context: bpy.types.Context, edit_text: str) -> Iterator[str]:
    target = scene_settings(context).target
    keys = target.data.shape_keys if target is not None else None
    return (block.name for block in keys.key_blocks[1:]) if keys is not None else iter(())


def _search_meanings(self: Any, context: bpy.types.Context, edit_text: str) -> Iterator[str]:
    from ..core.blender.rig_report import known_meanings

    return iter(known_meanings())


class MIMESH_OT_name_face_key(bpy.types.Operator):
    """Say what a shape key does, where Mimesh reads its name wrongly or not at all; kept on the object"""

    bl_idname = "mimesh.name_face_key"
    bl_label = "Name Key"
    bl_options = {"REGISTER", "UNDO"}

    key: bpy.props.StringProperty(name="Key", description="Shape key of the face", search=_search_keys)
    meaning: bpy.props.StringProperty(
        name="Does", description="In ARKit's words; empty leaves the key out", search=_search_meanings
    )
    forget: bpy.props.BoolProperty(
        name="Read Its Name Again", description="Forget what was said about the key", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face."""
        return _has_face(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask which."""
        return context.window_manager.invoke_props_dialog(self, confirm_text="Keep")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.blender.rig_report."""
        from ..core.blender.rig_report import known_meanings, set_meaning

        target = scene_settings(context).target
        keys = target.data.shape_keys
        if keys is None or self.key not in keys.key_blocks:
            self.report({"ERROR"}, f'"{target.name}" has no shape key called "{self.key}". Choose one of its keys.')
            return {"CANCELLED"}
        if self.meaning and self.meaning not in known_meanings():
            self.report({"ERROR"}, f'"{self.meaning}" is none of the known words. Choose one of the list.')
            return {"CANCELLED"}
        set_meaning(target, self.key, self.meaning, self.forget)
        return {"FINISHED"}


def _has_face(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a face is chosen; the reason where not."""
    if scene_settings(context).target is not None:
        return True
    cls.poll_message_set("Choose the mesh of the face.")
    return False


_register_classes, _unregister_classes = classes_factory(
    (MimeshFaceRig, MIMESH_OT_check_face_rig, MIMESH_OT_name_face_key)
)


def register() -> None:
    """Attach the group to objects."""
    _register_classes()
    bpy.types.Object.mimesh_face_rig = bpy.props.PointerProperty(type=MimeshFaceRig)  # type: ignore


def unregister() -> None:
    """Detach it; what was said stays on the objects."""
    del bpy.types.Object.mimesh_face_rig  # type: ignore[attr-defined]
    _unregister_classes()
