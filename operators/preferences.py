# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: which Python runs the engine and where results are kept."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.settings import RunSettings
from .setting_properties import property_of
from .stubs import PATH_OPTIONS, classes_factory

# the package Blender knows us by, for example bl_ext.user_default.mimesh
EXTENSION = __package__.rpartition(".")[0]


def _style_folder_changed(self: MimeshPreferences, context: bpy.types.Context) -> None:
    from .style_list import refresh_styles

    refresh_styles(context)


def _engine_changed(self: MimeshPreferences, context: bpy.types.Context) -> None:
    from .engine_access import forget_engine_python

    forget_engine_python()


class MimeshPreferences(bpy.types.AddonPreferences):
    """Empty fields mean: the place inside the extension's user folder."""

    bl_idname = EXTENSION

    engine_python: bpy.props.StringProperty(
        name="Engine Python",
        description="A Python (3.11 to 3.14) with the engine's packages; empty uses the one that Set Up Engine makes",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    engine_folder: bpy.props.StringProperty(
        name="Engine Folder",
        description="Where Set Up Engine installs; empty uses the extension's user folder (on Windows a shorter one)",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
        update=_engine_changed,
    )
    package_source: bpy.props.StringProperty(
        name="Package Source",
        description="A folder of wheels, or the address of your studio's package index; "
        "empty uses what came with Mimesh, or PyPI where nothing did",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
    )
    face_model: bpy.props.StringProperty(
        name="Face Model",
        description="Your own copy of face_landmarker.task, which Set Up needs from Python 3.13 on; "
        "empty lets it be fetched from its publisher",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    # its declaration stands below
    device: str
    cache_folder: bpy.props.StringProperty(
        name="Cache Folder",
        description="Where tracked references and the engine's log are kept; empty uses the extension's user folder",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
    )
    style_folder: bpy.props.StringProperty(
        name="Style Library",
        description="Where saved styles are kept, for example a folder that a team shares; "
        "empty uses the extension's user folder",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
        update=_style_folder_changed,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Drawn in Edit > Preferences > Add-ons."""
        run = context.window_manager.mimesh_run
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_python")
        layout.prop(self, "device", text="Default Device")
        _draw_lines(layout, run.engine_status or "Not checked yet.")
        row = layout.row(align=True)
        row.operator("mimesh.setup_engine", icon="IMPORT")
        row.operator("mimesh.test_engine", icon="CHECKMARK")
        column = layout.column(align=True)
        column.prop(self, "engine_folder")
        column.prop(self, "package_source")
        column.prop(self, "face_model")
        layout.separator()
        layout.prop(self, "cache_folder")
        row = layout.row(align=True)
        row.label(text=run.cache_status or "Size not measured yet.")
        row.operator("mimesh.measure_cache", text="", icon="FILE_REFRESH")
        row.operator("mimesh.clear_cache", text="", icon="TRASH")
        layout.prop(self, "style_folder")
        layout.operator("mimesh.add_assets", icon="ASSET_MANAGER")


# as declared for a scene; what a scene leaves on automatic is decided here
MimeshPreferences.__annotations__["device"] = property_of(RunSettings, "device")


def _draw_lines(layout: bpy.types.UILayout, text: str) -> None:
    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in text.splitlines():
        column.label(text=line)


def preferences(context: bpy.types.Context) -> MimeshPreferences:
    """The preferences of this installation."""
    found: MimeshPreferences = context.preferences.addons[EXTENSION].preferences
    return found


def user_folder() -> Path:
    """The one folder that an extension may write to. Whoever writes makes it, and says so where that fails.

    Told to make it, Blender answers with no path at all where it cannot: files would land in the present folder.
    """
    return Path(bpy.utils.extension_path_user(EXTENSION))


def work_folder(context: bpy.types.Context) -> Path:
    """Where the engine keeps job files (``jobs``), tracked references (``cache``) and its log."""
    chosen = preferences(context).cache_folder
    return Path(bpy.path.abspath(chosen)) if chosen else user_folder()


def engine_folder(context: bpy.types.Context) -> Path:
    """Where Set Up Engine installs."""
    chosen = preferences(context).engine_folder
    if chosen:
        return Path(bpy.path.abspath(chosen))
    from ..core.client.setup_plan import default_engine_folder

    return default_engine_folder(user_folder())


def style_folder(context: bpy.types.Context) -> Path:
    """Where the style library is."""
    chosen = preferences(context).style_folder
    return Path(bpy.path.abspath(chosen)) if chosen else user_folder() / "styles"


register, unregister = classes_factory((MimeshPreferences,))
