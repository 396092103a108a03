# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that was dropped, or a strip that is selected, as the speech or as the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .properties import busy_reason, scene_settings
from .stepping import redraw
from .stubs import OperatorResult, classes_factory, explain, refused_with

_SOUNDS = ".wav;.mp3;.ogg;.oga;.opus;.flac;.m4a;.aac;.aif;.aiff;.wma"
_FILMS = ".mp4;.mov;.m4v;.webm;.mkv;.avi;.mpg;.mpeg"
_ROLES = (
    ("speech", "Speech", "What the character says"),
    ("reference", "Reference", "Whose way of talking it takes on; five to fifteen seconds of a face are best"),
)


class MIMESH_OT_use_file(bpy.types.Operator):
    """Take a file as the speech (which also plays in the Sequencer) or as the reference"""

    bl_idname = "mimesh.use_file"
    bl_label = "Use File for Lip Sync"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    role: bpy.props.EnumProperty(name="Use As", items=_ROLES)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while something runs."""
        return explain(cls, busy_reason(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Choose it."""
        return _use_file(self, context, self.filepath, self.role)


class MIMESH_OT_use_strip(bpy.types.Operator):
    """Take the active strip as the speech or as the reference"""

    bl_idname = "mimesh.use_strip"
    bl_label = "Use Strip for Lip Sync"
    bl_options = {"REGISTER", "UNDO"}

    role: bpy.props.EnumProperty(name="Use As", items=_ROLES)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a strip with sound or picture."""
        if not explain(cls, busy_reason(context)):
            return False
        strip = getattr(context, "active_strip", None) or getattr(context, "active_sequence_strip", None)
        if strip is None or strip.type not in {"SOUND", "MOVIE"}:
            cls.poll_message_set("Select a sound or movie strip first.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Choose it by its name."""
        strip = getattr(context, "active_strip", None) or context.active_sequence_strip  # type: ignore[attr-defined]
        if self.role == "reference" and strip.type != "MOVIE":
            self.report({"ERROR"}, f"The strip {strip.name} has no picture. Choose a movie strip as the reference.")
            return {"CANCELLED"}
        settings = scene_settings(context)
        setattr(settings, f"{self.role}_kind", "strip")
        setattr(settings, f"{self.role}_strip", strip.name)
        self.report({"INFO"}, f"{strip.name} is the {self.role} now.")
        redraw(context)
        return {"FINISHED"}


class MIMESH_OT_drop_style(bpy.types.Operator):
    """Copy a style file into the library, and talk like that"""

    bl_idname = "mimesh.drop_style"
    bl_label = "Use Style File"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while something runs."""
        return explain(cls, busy_reason(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Import, then use; the first refusal is the operator's own."""
        ops: Any = bpy.ops.mimesh  # type: ignore[attr-defined]
        try:
            done: OperatorResult = ops.import_style(filepath=self.filepath)
            done = ops.use_style() if done == {"FINISHED"} else done
        except RuntimeError as error:
            self.report({"ERROR"}, refused_with(error))
            return {"CANCELLED"}
        redraw(context)
        return done


def _use_file(operator: Any, context: bpy.types.Context, path: str, role: str) -> OperatorResult:
    """Choose a file; a sound becomes a strip, so that it plays in step with the face."""
    from ..core.blender.first_try import Added, add_strip
    from ..core.errors import MediaError

    file, settings, scene = Path(bpy.path.abspath(path)), scene_settings(context), context.scene
    assert scene is not None  # poll
    try:
        if not file.is_file():
            raise MediaError(f"The file {file} does not exist.", "Choose another file.")
        kind, value = "file", str(file)
        if role == "speech":
            strip = add_strip(scene, file, "speech", Added(scene))
            kind, value = ("strip", strip) if strip else (kind, value)
    except MediaError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    setattr(settings, f"{role}_kind", kind)
    setattr(settings, f"{role}_{kind}", value)
    says = "will say" if role == "speech" else "will talk like the person in"
    operator.report({"INFO"}, f"The character {says} {file.name}.")
    # what is dropped over a view redraws that view alone
    redraw(context)
    return {"FINISHED"}


class _Dropped:
    bl_import_operator = "mimesh.use_file"
    bl_file_extensions = _FILMS

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Over a 3D View; the Sequencer makes strips of what is dropped there."""
        return context.area is not None and context.area.type == "VIEW_3D"


class MIMESH_FH_speech(_Dropped, bpy.types.FileHandler):
    """A sound, or the sound of a film"""

    bl_idname = "MIMESH_FH_speech"
    bl_label = "Speech for Lip Sync"
    bl_import_operator = "mimesh.drop_speech"
    bl_file_extensions = f"{_SOUNDS};{_FILMS}"


class MIMESH_FH_reference(_Dropped, bpy.types.FileHandler):
    """A film of somebody talking"""

    bl_idname = "MIMESH_FH_reference"
    bl_label = "Reference for Lip Sync"
    bl_import_operator = "mimesh.drop_reference"


class MIMESH_FH_style(_Dropped, bpy.types.FileHandler):
    """A style file"""

    bl_idname = "MIMESH_FH_style"
    bl_label = "Lip Sync Style"
    bl_import_operator = "mimesh.drop_style"
    bl_file_extensions = ".safetensors"


class MIMESH_FH_recording(_Dropped, bpy.types.FileHandler):
    """A take of Live Link Face, MediaPipe or ARKit"""

    bl_idname = "MIMESH_FH_recording"
    bl_label = "Face Recording"
    bl_import_operator = "mimesh.import_recording"
    bl_file_extensions = ".csv;.json"


class MIMESH_FH_flame(_Dropped, bpy.types.FileHandler):
    """A FLAME model, as a character"""

    bl_idname = "MIMESH_FH_flame"
    bl_label = "FLAME Head"
    bl_import_operator = "mimesh.import_flame"
    bl_file_extensions = ".pkl;.npz"


class _Drop:
    """Blender gives a dropped file's path and nothing else, so that each role has an operator of its own."""

    role = ""
    filepath: str

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while something runs."""
        return explain(cls, busy_reason(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """As Use File with this role."""
        return _use_file(self, context, self.filepath, self.role)


class MIMESH_OT_drop_speech(_Drop, bpy.types.Operator):
    """What the character says; it plays in the Sequencer too"""

    bl_idname = "mimesh.drop_speech"
    bl_label = "Speech for Lip Sync"
    bl_options = {"INTERNAL", "UNDO"}
    role = "speech"
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})


class MIMESH_OT_drop_reference(_Drop, bpy.types.Operator):
    """Whose way of talking the character takes on"""

    bl_idname = "mimesh.drop_reference"
    bl_label = "Reference for Lip Sync"
    bl_options = {"INTERNAL", "UNDO"}
    role = "reference"
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})


_CLASSES = (
    MIMESH_OT_use_file,
    MIMESH_OT_use_strip,
    MIMESH_OT_drop_style,
    MIMESH_OT_drop_speech,
    MIMESH_OT_drop_reference,
    MIMESH_FH_speech,
    MIMESH_FH_reference,
    MIMESH_FH_style,
    MIMESH_FH_recording,
    MIMESH_FH_flame,
)
register, unregister = classes_factory(_CLASSES)
