# SPDX-License-Identifier: GPL-3.0-or-later
"""Write Report: curves, pictures and settings of what was generated, as one page for the browser."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from ..core.client.steps import StepStatus
from ..core.errors import CancelledError, EngineError, MimeshError
from .engine_access import engine_client
from .generate import engine_disabled_reason
from .given_file import file_to_write
from .properties import freeze_reference, run_state, scene_settings
from .reference_picture import keep_picture, picture_of
from .stepping import SteppedOperator, Steps, Told
from .stubs import PATH_OPTIONS, OperatorResult, classes_factory, refused_with


class MIMESH_OT_write_report(bpy.types.Operator):
    """Write a page with curves, pictures and settings of every line of the sheet's characters"""

    bl_idname = "mimesh.write_report"
    bl_label = "Write Report"
    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)
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
        """Blender stays usable while the reference is looked at."""
        way = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        try:
            bpy.ops.mimesh.write_report_page(way, filepath=self.filepath)  # type: ignore[attr-defined]
        except RuntimeError as error:
            self.report({"ERROR"}, refused_with(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MIMESH_OT_write_report_page(SteppedOperator, bpy.types.Operator):
    """Write the page of Write Report to a file"""

    bl_idname = "mimesh.write_report_page"
    bl_label = "Write Report"
    bl_options = {"INTERNAL"}

    task = "Report"
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options=PATH_OPTIONS)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.report. In a window the browser shows the page."""
        from ..core.blender.report import report_lines, write_report

        path = file_to_write(self.filepath).with_suffix(".html")
        report_lines(_faces(context))
        picture, missing = yield from _reference_picture(context)
        count = write_report(path, _faces(context), picture)
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(path))
        told = f"Wrote {path.name} about {count} lines."
        return Told(f"{told}\n{missing}", (missing,)) if missing else told


def _reference_picture(context: bpy.types.Context) -> Generator[StepStatus, None, tuple[bytes, str]]:
    """The panel's reference with its landmarks, as seen before or looked at now; or a sentence why there is none.

    Where it was learnt from, its track is in the engine's cache, and this takes as long as drawing it.
    """
    from ..core.blender.sources import read_reference
    from ..core.blender.watch import watch_job

    run, settings = run_state(context), scene_settings(context)
    known = picture_of(run.quality)
    if known or settings.reference_kind not in ("strip", "file"):
        return known, ""
    try:
        if reason := engine_disabled_reason(context):
            raise EngineError(reason)
        source, _ = read_reference(context.scene, freeze_reference(settings))
        assert source is not None  # a strip or a file
        job = engine_client(context).track(source)
        try:
            reference = yield from watch_job(job)
        finally:
            job.cancel()
    except CancelledError:
        raise
    except MimeshError as error:
        return b"", f"Without a picture of the reference: {error}"
    run.quality = json.dumps(reference.report.to_json())
    keep_picture(reference.picture, run.quality)
    return reference.picture, ""


def _faces(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The sheet's characters, and the chosen face."""
    scene: Any = context.scene
    named = [item.character for item in scene.mimesh_sheet.lines if item.character is not None]
    chosen = scene_settings(context).target
    return list(dict.fromkeys([*named, *([chosen] if chosen is not None else [])]))


register, unregister = classes_factory((MIMESH_OT_write_report, MIMESH_OT_write_report_page))
