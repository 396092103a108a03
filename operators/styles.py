# SPDX-License-Identifier: GPL-3.0-or-later
"""Save Style: keeps what the last reference left behind as a file that can be used again without the video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from .given_file import file_to_write
from .stubs import PATH_OPTIONS, OperatorResult, classes_factory

if TYPE_CHECKING:
    from ..core.style.style import Style

_SUFFIX = ".safetensors"


@dataclass(slots=True)
class _Remembered:
    """The style of the last finished run."""

    style: Style | None = None


_remembered = _Remembered()


class MIMESH_OT_save_style(bpy.types.Operator):
    """Save the way of talking learnt from the last reference"""

    bl_idname = "mimesh.save_style"
    bl_label = "Save Style as File"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)
    filter_glob: bpy.props.StringProperty(default="*.safetensors", options={"HIDDEN"})
    # the file browser warns in red before it overwrites
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a run with a reference."""
        if _remembered.style is None:
            cls.poll_message_set("Generate with a reference first.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask where."""
        assert _remembered.style is not None  # poll
        from ..core.files import file_stem

        self.filepath = f"{file_stem(_remembered.style.name) or 'Style'}{_SUFFIX}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write the file."""
        assert _remembered.style is not None  # poll
        from ..core.errors import MimeshError
        from ..core.files import whole_file

        try:
            given = file_to_write(self.filepath)
            path = given.with_name(f"{given.name.removesuffix(_SUFFIX)}{_SUFFIX}")
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder")
            with whole_file(path) as partial:
                _remembered.style.save(partial)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except OSError as error:
            self.report({"ERROR"}, f"The style cannot be written to {path} ({error.strerror}).")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Saved {path}.")
        return {"FINISHED"}


def remember_style(style: Style | None) -> None:
    """Keep the style of a finished run until the next one."""
    _remembered.style = style


def remembered_style() -> Style | None:
    """What the last run with a reference left behind."""
    return _remembered.style


def has_style() -> bool:
    """Whether the last run left a style behind."""
    return _remembered.style is not None


register, unregister = classes_factory((MIMESH_OT_save_style,))
