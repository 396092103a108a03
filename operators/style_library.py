# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the styles of the library; operators find a style by its name on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.files import NAME_LIMIT
from .assets import follow_library
from .given_file import file_to_write
from .properties import all_scene_settings, scene_settings
from .stubs import PATH_OPTIONS, OperatorResult, classes_factory
from .style_list import active_style, refresh_styles, style_library, style_list
from .styles import remembered_style

if TYPE_CHECKING:
    from ..core.style.library import StyleLibrary

_FILES = "*.safetensors"


class _LibraryOperator:
    """Mix-in: one change of the library, its errors as sentences, and the listing made again."""

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Do it; returns what to say and the style to select. Raises :class:`MimeshError`."""
        raise NotImplementedError

    def execute(self: Any, context: bpy.types.Context) -> OperatorResult:
        """Change, list again, report."""
        from ..core.errors import MimeshError

        try:
            words, selected = self.change(context, style_library(context))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            refresh_styles(context)
            return {"CANCELLED"}
        refresh_styles(context, selected)
        follow_library(context, self)
        self.report({"INFO"}, words)
        return {"FINISHED"}


class _OneStyle(_LibraryOperator):
    """Mix-in for what needs a style: ``name``, or the selected one when that is empty."""

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        """Needs a style in the library, as far as is known."""
        listing = style_list(context)
        if listing.known and not len(listing.items):
            cls.poll_message_set("The library has no style yet: generate with a reference and save its style.")
            return False
        return True

    def chosen(self: Any, context: bpy.types.Context) -> str:
        """The name of the style. Raises :class:`SettingsError` when there is none."""
        from ..core.errors import SettingsError

        item = active_style(context)
        name: str = self.name or (item.name if item else "")
        if not name:
            raise SettingsError("No style is chosen.", "Select one in the style library.")
        return name


class MIMESH_OT_refresh_styles(bpy.types.Operator):
    """Look at the library's folder again"""

    bl_idname = "mimesh.refresh_styles"
    bl_label = "Refresh"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """For files that were put there by hand or by another Blender."""
        refresh_styles(context)
        follow_library(context, self)
        return {"FINISHED"}


class MIMESH_OT_keep_style(_LibraryOperator, bpy.types.Operator):
    """Keep the way of talking learnt from the last reference in the style library"""

    bl_idname = "mimesh.keep_style"
    bl_label = "Save to Library"

    name: bpy.props.StringProperty(
        name="Name", description="Empty takes the clip's name, with a number if needed", maxlen=NAME_LIMIT
    )
    replace: bpy.props.BoolProperty(
        name="Replace", description="Replace a style of the same name", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a run with a reference."""
        if remembered_style() is None:
            cls.poll_message_set("Generate with a reference first.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the name."""
        style = remembered_style()
        assert style is not None  # poll
        self.name = style_library(context).free_name(style.name)
        return context.window_manager.invoke_props_dialog(self)

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Write the file."""
        style = remembered_style()
        assert style is not None  # poll
        entry = library.save(style, self.name or library.free_name(style.name), self.replace)
        return f'Saved the style "{entry.name}".', entry.name


class MIMESH_OT_use_style(_OneStyle, bpy.types.Operator):
    """Talk like this from now on: makes the style this scene's reference"""

    bl_idname = "mimesh.use_style"
    bl_label = "Use Style"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(name="Name", description="Empty takes the selected style")

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Sets the scene's reference."""
        entry = library.find(self.chosen(context))
        settings = scene_settings(context)
        settings.reference_kind, settings.style_file = "style", entry.name
        return f'Talking like "{entry.name}" now.', entry.name


class MIMESH_OT_rename_style(_OneStyle, bpy.types.Operator):
    """Give the style another name"""

    bl_idname = "mimesh.rename_style"
    bl_label = "Rename Style"

    name: bpy.props.StringProperty(
        name="Name", description="Empty takes the selected style", options={"HIDDEN", "SKIP_SAVE"}
    )
    new_name: bpy.props.StringProperty(name="New Name", maxlen=NAME_LIMIT)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the name."""
        item = active_style(context)
        self.new_name = self.name or (item.name if item else "")
        return context.window_manager.invoke_props_dialog(self)

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Scenes that use the style follow."""
        old = library.find(self.chosen(context)).name
        entry = library.rename(old, self.new_name)
        for settings in all_scene_settings():
            for field in ("style_file", "second_style"):
                if getattr(settings, field) == old:
                    setattr(settings, field, entry.name)
        return f'"{old}" is called "{entry.name}" now.', entry.name


class MIMESH_OT_delete_style(_OneStyle, bpy.types.Operator):
    """Remove the style's file from the library; this cannot be undone"""

    bl_idname = "mimesh.delete_style"
    bl_label = "Delete Style"

    name: bpy.props.StringProperty(name="Name", description="Empty takes the selected style", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask first."""
        item = active_style(context)
        name = self.name or (item.name if item else "")
        return context.window_manager.invoke_confirm(
            self, event, title="Delete Style", message=f'Delete "{name}" for good?', confirm_text="Delete"
        )

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Removes one file."""
        name = library.find(self.chosen(context)).name
        library.delete(name)
        return f'Deleted the style "{name}".', ""


class MIMESH_OT_import_style(_LibraryOperator, bpy.types.Operator):
    """Copy a style file into the library"""

    bl_idname = "mimesh.import_style"
    bl_label = "Import Style"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)
    filter_glob: bpy.props.StringProperty(default=_FILES, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask which."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Copies a valid file."""
        entry = library.import_file(Path(bpy.path.abspath(self.filepath)))
        return f'Imported the style "{entry.name}".', entry.name


class MIMESH_OT_export_style(_OneStyle, bpy.types.Operator):
    """Copy the style to a file, to share it"""

    bl_idname = "mimesh.export_style"
    bl_label = "Export Style"

    name: bpy.props.StringProperty(
        name="Name", description="Empty takes the selected style", options={"HIDDEN", "SKIP_SAVE"}
    )
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)
    filter_glob: bpy.props.StringProperty(default=_FILES, options={"HIDDEN"})
    # the file browser warns in red before it overwrites
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask where."""
        from ..core.files import file_stem

        item = active_style(context)
        self.filepath = f"{file_stem(self.name or (item.name if item else ''))}.safetensors"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def change(self, context: bpy.types.Context, library: StyleLibrary) -> tuple[str, str]:
        """Copies the file."""
        name = library.find(self.chosen(context)).name
        path = library.export(name, file_to_write(self.filepath))
        return f"Exported {path}.", name


_CLASSES = (
    MIMESH_OT_refresh_styles,
    MIMESH_OT_keep_style,
    MIMESH_OT_use_style,
    MIMESH_OT_rename_style,
    MIMESH_OT_delete_style,
    MIMESH_OT_import_style,
    MIMESH_OT_export_style,
)
register, unregister = classes_factory(_CLASSES)
