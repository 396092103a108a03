# SPDX-License-Identifier: GPL-3.0-or-later
"""Retake: other takes of the frames of the preview range, to flip through, accept or reject."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import bpy

from ..core.client.choices import GenerateSettings, SourceChoice
from ..core.errors import MimeshError
from .engine_access import engine_client
from .generate import engine_disabled_reason, target_disabled_reason
from .properties import busy_reason, freeze_settings, resolve_style, run_state, scene_settings
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory, explain

if TYPE_CHECKING:
    from ..core.blender.takes import Retake


class MIMESH_OT_retake(SteppedOperator, bpy.types.Operator):
    """Make other takes of the frames in the preview range; everything outside of it stays key for key"""

    bl_idname = "mimesh.retake"
    bl_label = "Retake"
    bl_options = {"UNDO"}

    task = "Retake"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Decides and explains."""
        reason = _retake_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.retake."""
        from ..core.blender.retake import line_at, retake_steps

        scene = context.scene
        first, last = float(scene.frame_preview_start), float(scene.frame_preview_end)
        line = line_at(scene_settings(context).target, first, last)
        settings = settings_of_line(context, line.line.sound)
        retake = yield from retake_steps(scene, settings, first, last, engine_client(context))
        return f"{len(retake.labels) - 1} takes of frames {first:g} to {last:g}: flip through them, then accept one."


class _TakeOperator(bpy.types.Operator):
    """What works on takes that are there."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Decides and explains."""
        from ..core.blender.takes import open_retake

        if context.scene is None:
            return False
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
        elif open_retake(scene_settings(context).target) is None:
            cls.poll_message_set("There are no takes to choose from: set a preview range and press Retake.")
        else:
            return True
        return False


class MIMESH_OT_show_take(_TakeOperator):
    """Key another one of the takes"""

    bl_idname = "mimesh.show_take"
    bl_label = "Show Take"
    bl_options = {"REGISTER", "UNDO"}

    step: bpy.props.IntProperty(name="Step", description="How many takes further", default=0, options={"SKIP_SAVE"})
    number: bpy.props.IntProperty(
        name="Take", description="0 is the line as it was", default=-1, options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Goes round."""
        from ..core.blender.retake import show_take
        from ..core.blender.takes import open_retake

        target = scene_settings(context).target
        retake = open_retake(target)
        assert retake is not None  # poll
        number = self.number if self.number >= 0 else (retake.shown + self.step) % len(retake.labels)
        try:
            show_take(target, number)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MIMESH_OT_accept_take(_TakeOperator):
    """Keep the take that is shown"""

    bl_idname = "mimesh.accept_take"
    bl_label = "Accept"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The others are forgotten."""
        from ..core.blender.retake import accept_take

        retake = accept_take(scene_settings(context).target)
        self.report({"INFO"}, f"Kept: {retake.labels[retake.shown]}.")
        return {"FINISHED"}


class MIMESH_OT_reject_takes(_TakeOperator):
    """Put the line back as it was before the retake"""

    bl_idname = "mimesh.reject_takes"
    bl_label = "Reject"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The takes are forgotten."""
        from ..core.blender.retake import reject_takes

        try:
            reject_takes(scene_settings(context).target)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def open_takes(obj: bpy.types.Object | None) -> Retake | None:
    """The takes of a face that wait for an answer; cheap enough for a panel."""
    from ..core.blender.takes import open_retake

    return open_retake(obj)


def settings_of_line(context: bpy.types.Context, sound: str) -> GenerateSettings:
    """The settings of a line that is there: as the sheet has them, else the panel's. Raises :class:`MimeshError`."""
    from ..core.blender.read_scene import has_strip
    from ..core.blender.sheet.properties import lines_of
    from ..core.blender.sheet.survey import line_settings

    base = freeze_settings(scene_settings(context))
    for line in lines_of(context.scene):
        if line.source == sound and line.character == base.object_name:
            return line_settings(base, line, resolve_style)
    kind = "strip" if has_strip(context.scene, sound) else "channel" if sound.isdecimal() else "file"
    return dataclasses.replace(base, speech=SourceChoice(kind, sound))  # type: ignore[arg-type]


def _retake_disabled_reason(context: bpy.types.Context) -> str:
    from ..core.blender.takes import open_retake

    if reason := busy_reason(context):
        return reason
    reason = target_disabled_reason(context)
    if reason:
        return reason
    if not context.scene.use_preview_range:
        return "Set a preview range over the frames to make again (P in the Timeline)."
    if open_retake(scene_settings(context).target) is not None:
        return "Accept or reject the takes that are there first."
    return engine_disabled_reason(context)


_CLASSES = (MIMESH_OT_retake, MIMESH_OT_show_take, MIMESH_OT_accept_take, MIMESH_OT_reject_takes)
register, unregister = classes_factory(_CLASSES)
