# SPDX-License-Identifier: GPL-3.0-or-later
"""Playblast: a quick film of the face with sound, beside the reference clip."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.errors import MimeshError
from .generate import target_disabled_reason
from .properties import busy_reason, freeze_settings, scene_settings
from .stepping import SteppedOperator, Steps
from .stubs import classes_factory, explain


class MIMESH_OT_playblast(SteppedOperator, bpy.types.Operator):
    """Write a film of the face with the sound of the edit, beside the reference clip; of the preview range, if there is one"""  # noqa: E501

    bl_idname = "mimesh.playblast"
    bl_label = "Playblast"
    bl_options = {"INTERNAL"}

    task = "Playblast"
    filepath: bpy.props.StringProperty(subtype="FILE_PATH")
    filter_glob: bpy.props.StringProperty(default="*.mp4", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a face."""
        return explain(cls, busy_reason(context) or target_disabled_reason(context))

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.playblast. Without a path it lies in Blender's temporary folder."""
        from ..core.blender.playblast import playblast_steps
        from ..core.blender.sources import read_reference

        scene, settings = context.scene, scene_settings(context)
        path = Path(bpy.path.abspath(self.filepath or str(Path(bpy.app.tempdir) / "mimesh playblast.mp4")))
        path = path.with_suffix(".mp4")
        span = (scene.frame_start, scene.frame_end)
        if scene.use_preview_range:
            span = (scene.frame_preview_start, scene.frame_preview_end)
        try:
            reference, _ = read_reference(scene, freeze_settings(settings).reference)
        except MimeshError:
            # a clip that is gone is no reason to show nothing of the face
            reference = None
        count = yield from playblast_steps(scene, settings.target.name, path, span, reference)
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(path))
        return f"{count} frames in {path}."


register, unregister = classes_factory((MIMESH_OT_playblast,))
