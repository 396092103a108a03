# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Import > Face Recording: Live Link Face, MediaPipe and ARKit takes onto the chosen face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..core.settings import BakeSettings
from .engine_access import engine_client, has_engine
from .generate import target_disabled_reason
from .properties import run_state, scene_settings
from .setting_properties import read_group
from .stepping import SteppedOperator, Steps, Told
from .stubs import OperatorResult, classes_factory, explain


class MIMESH_OT_import_recording(SteppedOperator, bpy.types.Operator):
    """Key a recording of Apple's 52 face shapes on the chosen face: lips, lids, gaze and head"""

    bl_idname = "mimesh.import_recording"
    bl_label = "Import Face Recording"
    bl_options = {"UNDO"}

    task = "Import Face Recording"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.csv;*.json", options={"HIDDEN"})
    at_current_frame: bpy.props.BoolProperty(
        name="At Current Frame", description="Begin at the current frame, else at the scene's first one", default=False
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate", description="Of the recording; 0 is what its times say", default=0.0, min=0.0, max=1000.0
    )
    from_rest: bpy.props.BoolProperty(
        name="Head from Its Mean Pose",
        description="Turn the head relative to its mean pose, since where the phone stood is no motion",
        default=True,
    )
    solve: bpy.props.BoolProperty(
        name="Fit Apple's Keys Too",
        description="Fit faces that have Apple's own keys like any other, instead of copying the recorded values",
        default=False,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face."""
        run = run_state(context)
        return explain(cls, f"{run.task} is running." if run.running else target_disabled_reason(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file."""
        if self.filepath:
            return super().invoke(context, event)
        context.window_manager.fileselect_add(self)  # type: ignore[arg-type]
        return {"RUNNING_MODAL"}

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.import_recording."""
        from ..core.blender.import_recording import ImportSettings, import_steps

        scene = context.scene
        settings = ImportSettings(
            object_name=scene_settings(context).target.name,
            path=Path(bpy.path.abspath(self.filepath)),
            first_frame=scene.frame_current if self.at_current_frame else scene.frame_start,
            fps=self.fps or None,
            from_rest=self.from_rest,
            solve=self.solve,
            bake=read_group(scene_settings(context), BakeSettings),
        )
        engine = engine_client(context) if has_engine(context) else None
        report = yield from import_steps(scene, settings, engine)
        return Told(report.describe(), report.notes)


def draw_menu(self: Any, context: bpy.types.Context) -> None:
    """The entry in File > Import."""
    self.layout.operator(MIMESH_OT_import_recording.bl_idname, text="Face Recording (.csv/.json)")


_register_classes, _unregister_classes = classes_factory((MIMESH_OT_import_recording,))


def register() -> None:
    """Register the operator and its menu entry."""
    _register_classes()
    bpy.types.TOPBAR_MT_file_import.append(draw_menu)


def unregister() -> None:
    """Undo :func:`register`."""
    bpy.types.TOPBAR_MT_file_import.remove(draw_menu)
    _unregister_classes()
