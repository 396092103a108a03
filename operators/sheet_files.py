# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet to and from JSON files."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.errors import MimeshError
from ..core.exchange.sheet import read_sheet, write_sheet
from .given_file import file_to_write
from .sheet import SheetOperator
from .sheet_watch import refresh_states
from .stubs import PATH_OPTIONS, OperatorResult, classes_factory


class MIMESH_OT_export_sheet(SheetOperator):
    """Write the sheet as JSON, for the command line and for other scenes"""

    bl_idname = "mimesh.export_sheet"
    bl_label = "Export Sheet"
    needs_line = True

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask where to."""
        self.filepath = self.filepath or f"{Path(bpy.data.filepath).stem or 'dialogue'}.json"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.exchange.sheet."""
        from ..core.blender.sheet.properties import lines_of

        try:
            write_sheet(file_to_write(self.filepath).with_suffix(".json"), lines_of(context.scene))
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MIMESH_OT_import_sheet(SheetOperator):
    """Replace the sheet by one in a JSON file; keys stay as they are"""

    bl_idname = "mimesh.import_sheet"
    bl_label = "Import Sheet"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask which."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """All of it is checked before a line is written."""
        from ..core.blender.sheet.properties import replace_lines

        try:
            lines = read_sheet(Path(bpy.path.abspath(self.filepath)))
            replace_lines(context.scene, lines)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh_states(context)
        self.report({"INFO"}, f"The sheet has {len(lines)} lines.")
        return {"FINISHED"}


register, unregister = classes_factory((MIMESH_OT_export_sheet, MIMESH_OT_import_sheet))
