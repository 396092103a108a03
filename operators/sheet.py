# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue sheet's buttons: collect the edit's lines, make what is stale, show a line, files of the sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..core.errors import MimeshError
from ..core.exchange.sheet import STALE, SheetLine
from .engine_access import engine_client
from .generate import engine_disabled_reason
from .properties import busy_reason, freeze_settings, resolve_style, scene_settings
from .sheet_watch import file_digests, refresh_states
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory, explain
from .style_mix import mixed_styles

if TYPE_CHECKING:
    from ..core.blender.sheet.generate_all import PassReport


class SheetOperator(bpy.types.Operator):
    """What all of them need: a scene that nothing is about to write to."""

    needs_line = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Decides and explains."""
        reason = busy_reason(context)
        if not reason and cls.needs_line and active_line(context) is None:
            reason = "The sheet has no line: collect them from the edit first."
        return explain(cls, reason)


class MIMESH_OT_collect_lines(SheetOperator):
    """Add a line for every sound strip of the edit; who speaks is told by its channel, or by names"""

    bl_idname = "mimesh.collect_lines"
    bl_label = "Collect Lines"
    bl_options = {"REGISTER", "UNDO"}

    selected_only: bpy.props.BoolProperty(name="Selected Strips Only", description="Leave other strips out")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.blender.sheet.collect."""
        from ..core.blender.sheet.collect import collect_lines

        count = collect_lines(context.scene, self.selected_only)
        refresh_states(context)
        self.report({"INFO"}, f"Added {count} lines." if count else "Every sound strip has its line already.")
        return {"FINISHED"}


class MIMESH_OT_add_line(SheetOperator):
    """Add a line to fill in: a file or a channel, for what is no strip of its own"""

    bl_idname = "mimesh.add_line"
    bl_label = "Add Line"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """It becomes the active one."""
        sheet = context.scene.mimesh_sheet
        item = sheet.lines.add()
        item.kind, item.character = "file", scene_settings(context).target
        item.first_frame = float(context.scene.frame_current)
        sheet.active = len(sheet.lines) - 1
        return {"FINISHED"}


class MIMESH_OT_remove_line(SheetOperator):
    """Take the line off the sheet; its keys stay"""

    bl_idname = "mimesh.remove_line"
    bl_label = "Remove Line"
    bl_options = {"REGISTER", "UNDO"}
    needs_line = True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The next one becomes active."""
        sheet = context.scene.mimesh_sheet
        sheet.lines.remove(sheet.active)
        sheet.active = max(min(sheet.active, len(sheet.lines) - 1), 0)
        return {"FINISHED"}


class MIMESH_OT_assign_channel(SheetOperator):
    """Give every line on this line's channel the same character, style and engine"""

    bl_idname = "mimesh.assign_channel"
    bl_label = "Use for Whole Channel"
    bl_options = {"REGISTER", "UNDO"}
    needs_line = True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """See core.blender.sheet.collect."""
        from ..core.blender.sheet.collect import assign_channel

        line = active_line(context)
        assert line is not None  # poll
        count = assign_channel(context.scene, line)
        refresh_states(context)
        self.report({"INFO"}, f"Changed {count} lines.")
        return {"FINISHED"}


class MIMESH_OT_show_line(SheetOperator):
    """Go to the line: its first frame, its strip, and its character and speech in the Lip Sync panel"""

    bl_idname = "mimesh.show_line"
    bl_label = "Show Line"
    bl_options = {"REGISTER", "UNDO"}
    needs_line = True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """A channel's line is shown by its first strip."""
        from ..core.blender.sheet.show import show_line

        line = active_line(context)
        assert line is not None  # poll
        try:
            show_line(context.scene, line)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        settings = scene_settings(context)
        settings.target = bpy.data.objects.get(line.character)
        if line.kind == "file":
            settings.speech_kind, settings.speech_file = "file", line.source
        elif line.kind == "strip":
            settings.speech_kind, settings.speech_strip = "strip", line.source
        return {"FINISHED"}


class MIMESH_OT_check_sheet(SheetOperator):
    """Look again which lines are up to date"""

    bl_idname = "mimesh.check_sheet"
    bl_label = "Check Lines"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Says how many are not."""
        states = refresh_states(context)
        stale = sum(status.state in STALE or status.state == "moved" for status in states)
        self.report({"INFO"}, f"{stale} of {len(states)} lines are not up to date.")
        return {"FINISHED"}


class MIMESH_OT_generate_sheet(SteppedOperator, bpy.types.Operator):
    """Make every line that is not up to date: moved ones are moved, changed ones generated again, the rest stays"""

    bl_idname = "mimesh.generate_sheet"
    bl_label = "Generate All"
    bl_options = {"UNDO"}

    task = "Generate All"
    active_only: bpy.props.BoolProperty(
        name="Active Line Only", description="Leave the other lines alone", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Decides and explains."""
        reason = busy_reason(context)
        if not reason and not len(context.scene.mimesh_sheet.lines):
            reason = "The sheet has no line: collect them from the edit first."
        reason = reason or engine_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.sheet.generate_all."""
        from ..core.blender.sheet.generate_all import SheetPass, pass_steps
        from ..core.blender.sheet.properties import lines_of

        scene = context.scene
        only = frozenset({scene.mimesh_sheet.active}) if self.active_only else None
        base = freeze_settings(scene_settings(context))
        mix = mixed_styles(context)
        work = SheetPass(lines_of(scene), base, resolve_style, file_digests(), only, mix)
        self._report: PassReport = work.report
        yield from pass_steps(scene, work, engine_client(context))
        refresh_states(context)
        if self._report.failed and not self._report.changed and not self._report.unchanged:
            name, why = next(iter(self._report.failed.items()))
            raise MimeshError(f'The line "{name}" cannot be made. {why}')
        return self._report.describe()

    def kept_when_stopped(self) -> str:
        """Finished lines are whole."""
        report: PassReport | None = getattr(self, "_report", None)
        if report is None or not report.changed:
            return ""
        done = len(report.generated) + len(report.moved)
        return f"{self.task} was stopped; the {done} finished lines stay.\n{report.describe()}"


class MIMESH_OT_fill_pauses(SteppedOperator, bpy.types.Operator):
    """Move the characters where they do not speak: attending to who speaks, or breath and idle motion"""

    bl_idname = "mimesh.fill_pauses"
    bl_label = "Fill Pauses"
    bl_options = {"UNDO"}

    task = "Fill Pauses"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """As Generate All."""
        return bool(MIMESH_OT_generate_sheet.poll.__func__(cls, context))  # type: ignore[attr-defined]

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.sheet.pauses."""
        from ..core.blender.sheet.pauses import fill_steps
        from ..core.blender.sheet.properties import lines_of

        scene, base = context.scene, freeze_settings(scene_settings(context))
        report = yield from fill_steps(scene, lines_of(scene), base, resolve_style, engine_client(context))
        return report.describe()


def active_line(context: bpy.types.Context) -> SheetLine | None:
    """The selected line as plain data."""
    from ..core.blender.sheet.properties import line_of

    sheet = context.scene.mimesh_sheet
    return line_of(sheet.lines[sheet.active]) if 0 <= sheet.active < len(sheet.lines) else None


_CLASSES = (
    MIMESH_OT_collect_lines,
    MIMESH_OT_add_line,
    MIMESH_OT_remove_line,
    MIMESH_OT_assign_channel,
    MIMESH_OT_show_line,
    MIMESH_OT_check_sheet,
    MIMESH_OT_generate_sheet,
    MIMESH_OT_fill_pauses,
)
_register_classes, _unregister_classes = classes_factory(_CLASSES)


def register() -> None:
    """The sheet's properties, then its buttons."""
    from ..core.blender.sheet.properties import register_sheet

    register_sheet()
    _register_classes()


def unregister() -> None:
    """Undo :func:`register`."""
    from ..core.blender.sheet.properties import unregister_sheet

    _unregister_classes()
    unregister_sheet()
