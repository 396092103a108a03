# SPDX-License-Identifier: GPL-3.0-or-later
"""The asset browser: putting the demo head and the saved styles there, and talking like a style that is chosen there.

A style that is dragged into a scene arrives as an Empty that carries it; it is taken at once and the Empty goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..core.blender.tags import STYLE_FOLDER, STYLE_PROPERTY, STYLE_TAG
from ..core.errors import MimeshError
from .preferences import user_folder
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory, refused_with
from .style_list import refresh_styles, style_library


@dataclass(slots=True)
class _Dropped:
    """Empties that were looked at: one that an undo brings back is left alone."""

    seen: set[int] = field(default_factory=set)


_dropped = _Dropped()


class MIMESH_OT_add_assets(bpy.types.Operator):
    """Put the demo head and your saved styles into the asset browser, in a library called Mimesh; styles that you save, rename or delete later follow by themselves"""  # noqa: E501

    bl_idname = "mimesh.add_assets"
    bl_label = "Add to Asset Browser"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The head is built in the scene and taken out again."""
        if context.scene is None or context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write the files, and tell Blender of their folder."""
        from ..core.blender.assets import STYLES_CATALOG, register_library, write_head_asset
        from ..core.blender.style_assets import sync_style_assets

        assert context.scene is not None and context.view_layer is not None  # poll
        folder = _asset_folder()
        try:
            write_head_asset(context.scene, context.view_layer, folder)
            register_library(context.preferences, folder)
            styles = sync_style_assets(style_library(context), folder, STYLES_CATALOG)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        what = f"the demo head and {styles} style{'' if styles == 1 else 's'}" if styles else "the demo head"
        self.report({"INFO"}, f'The asset browser has {what} in the library "Mimesh" ({folder}).')
        return {"FINISHED"}


class MIMESH_OT_use_style_asset(bpy.types.Operator):
    """Talk like the chosen style from now on; it is copied into your style library where it is not there yet"""

    bl_idname = "mimesh.use_style_asset"
    bl_label = "Use Style for Lip Sync"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(
        name="File", description="The .blend of the asset; empty takes the chosen asset", options={"SKIP_SAVE"}
    )
    name: bpy.props.StringProperty(name="Name", description="Of the asset in that file", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a scene; which asset is chosen is asked when the menu is drawn."""
        if context.scene is None:
            cls.poll_message_set("There is no scene.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read what the asset carries, keep it, use it."""
        from ..core.blender.style_assets import carried_style, read_style_asset

        asset: Any = getattr(context, "asset", None)
        try:
            if self.filepath:
                data = read_style_asset(Path(bpy.path.abspath(self.filepath)), self.name)
            elif asset is None:
                raise MimeshError("No asset is chosen.", "Select a style in the asset browser.")
            elif asset.local_id is not None:
                data = carried_style(asset.local_id)
            else:
                data = read_style_asset(Path(asset.full_library_path), asset.name)
            name = _use(context, data)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f'Talking like "{name}" now.')
        return {"FINISHED"}


class MIMESH_OT_use_dropped_style(bpy.types.Operator):
    """Talk like the style that was dragged into the scene, and remove the Empty that it came as"""

    bl_idname = "mimesh.use_dropped_style"
    bl_label = "Use Style for Lip Sync"
    bl_options = {"INTERNAL", "UNDO"}

    name: bpy.props.StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """One undo step; where the style cannot be used the Empty stays."""
        from ..core.blender.style_assets import carried_style

        carrier = bpy.data.objects.get(self.name)
        if carrier is None:
            return {"CANCELLED"}
        try:
            name = _use(context, carried_style(carrier))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        bpy.data.objects.remove(carrier)
        self.report({"INFO"}, f'Talking like "{name}" now.')
        return {"FINISHED"}


def is_style_asset(asset: Any) -> bool:
    """Whether what is chosen in the asset browser carries a style; asked while a menu is drawn."""
    return asset is not None and any(tag.name == STYLE_TAG for tag in asset.metadata.tags)


def _use(context: bpy.types.Context, data: bytes) -> str:
    """Make the style of these bytes the scene's; its name in the library. Raises :class:`MimeshError`."""
    entry = style_library(context).take_in(data)
    refresh_styles(context, entry.name)
    settings = scene_settings(context)
    settings.reference_kind, settings.style_file = "style", entry.name
    return entry.name


def _asset_folder() -> Path:
    return user_folder() / "assets"


def follow_library(context: bpy.types.Context, operator: bpy.types.Operator) -> None:
    """Bring the assets in step with the saved styles after a change, where the user has asked for assets."""
    folder = _asset_folder()
    if not (folder / STYLE_FOLDER).is_dir():
        return
    from ..core.blender.assets import STYLES_CATALOG
    from ..core.blender.style_assets import sync_style_assets

    try:
        sync_style_assets(style_library(context), folder, STYLES_CATALOG)
    except MimeshError as error:
        # what was asked for is done
        operator.report({"WARNING"}, str(error))


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _look_for_dropped(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Blender makes what was dropped the active object; taken a moment later, when its operator is done."""
    found = depsgraph.view_layer.objects.active
    if found is None or STYLE_PROPERTY not in found or found.session_uid in _dropped.seen:
        return
    _dropped.seen.add(found.session_uid)
    if not bpy.app.timers.is_registered(_take_dropped):
        bpy.app.timers.register(_take_dropped, first_interval=0.0)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _after_load(*_: object) -> None:
    """An Empty that was saved with a file is no new one."""
    _dropped.seen.update(obj.session_uid for obj in bpy.data.objects if STYLE_PROPERTY in obj)


def _take_dropped() -> None:
    """In a window, so that the undo step is the user's."""
    manager = bpy.context.window_manager
    window = manager.windows[0] if len(manager.windows) else None
    override: Any = {"window": window} if window else {}
    with bpy.context.temp_override(**override):
        active = bpy.context.view_layer.objects.active
        if active is None or STYLE_PROPERTY not in active:
            return
        try:
            bpy.ops.mimesh.use_dropped_style("EXEC_DEFAULT", True, name=active.name)  # type: ignore[attr-defined]
        except RuntimeError as error:
            words = refused_with(error)
            if window is not None:
                manager.popup_menu(lambda menu, context: menu.layout.label(text=words), title="Style", icon="ERROR")
        for area in window.screen.areas if window else ():
            area.tag_redraw()


_register_classes, _unregister_classes = classes_factory(
    (MIMESH_OT_add_assets, MIMESH_OT_use_style_asset, MIMESH_OT_use_dropped_style)
)


def register() -> None:
    """The operators, and who watches for what is dropped."""
    _register_classes()
    bpy.app.handlers.depsgraph_update_post.append(_look_for_dropped)
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    """All of it goes."""
    if bpy.app.timers.is_registered(_take_dropped):
        bpy.app.timers.unregister(_take_dropped)
    bpy.app.handlers.load_post.remove(_after_load)
    bpy.app.handlers.depsgraph_update_post.remove(_look_for_dropped)
    _dropped.seen.clear()
    _unregister_classes()
