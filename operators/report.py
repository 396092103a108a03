# SPDX-License-Identifier: GPL-3.0-or-later
"""Write Report: curves, pictures and settings of what was generated, as one page for the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..core.errors import MimeshError
from .properties import run_state, scene_settings
from .reference_picture import picture_of
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_write_report(bpy.types.Operator):
    """Write a page with curves, pictures and settings of every line of the sheet's characters"""

    bl_idname = "mimesh.write_report"
    bl_label = "Write Report"
    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.html", options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face, and nothing that is about to write to it."""
        if context.scene is None:
            return False
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
        elif not _faces(context):
            cls.poll_message_set("Choose the mesh of the face, or collect the lines of the edit.")
        else:
            return True
        return False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask where to."""
        self.filepath = self.filepath or f"{Path(bpy.data.filepath).stem or 'mimesh'} report.html"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.blender.report. In a window the browser shows the page."""
        from ..core.blender.report import write_report

        path = Path(self.filepath).with_suffix(".html")
        try:
            count = write_report(path, _faces(context), picture_of(run_state(context).quality))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {path.name} about {count} lines.")
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


def _faces(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The sheet's characters, and the chosen face."""
    scene: Any = context.scene
    named = [item.character for item in scene.mimesh_sheet.lines if item.character is not None]
    chosen = scene_settings(context).target
    return list(dict.fromkeys([*named, *([chosen] if chosen is not None else [])]))


register, unregister = classes_factory((MIMESH_OT_write_report,))
