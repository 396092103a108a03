# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a generator as an operator: to its end by ``execute``, one step per timer tick by ``modal``.

Both paths share every line of the work, so a window and ``blender -b`` produce the same.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.client.steps import StepStatus
from ..core.errors import CancelledError, MimeshError
from . import running
from .adopt import adopt_now
from .properties import run_state
from .sentences import translated
from .stubs import OperatorResult


@dataclass(frozen=True, slots=True)
class Told:
    """A run's result in plain words; its first line says it all. warnings: those lines that need attention."""

    words: str
    warnings: tuple[str, ...] = ()


Steps = Generator[StepStatus, None, str | Told]

_TICK_SECONDS = 0.05
_POLL_SECONDS = 0.01
_SETTLE_SECONDS, _SETTLE_DRAWS = 0.15, 6
_SIDEBARS = {"VIEW_3D", "SEQUENCE_EDITOR"}
_log = logging.getLogger(__name__)


class SteppedOperator:
    """Mix-in for operators whose work takes longer than a frame.

    Subclasses give ``start(context)``: a generator that yields its status and returns the result in plain
    words, or as :class:`Told`. Closing the generator must leave the scene as it was, but for what
    ``kept_when_stopped`` tells of.
    """

    task = ""
    # whether Blender stays usable while it runs
    in_window = False

    def start(self, context: bpy.types.Context) -> Steps:
        """The work. Raises :class:`MimeshError` for whatever it refuses."""
        raise NotImplementedError

    def kept_when_stopped(self) -> str:
        """What a run that is stopped now leaves behind, in words; empty where the scene is as it was before."""
        return ""

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Without a window: run to the end, blocking."""
        _begin(context, self.task)
        with _failures(self, context) as failed, contextlib.closing(self.start(context)) as steps:
            while not _advance(self, context, steps):
                time.sleep(_POLL_SECONDS)
        return {"CANCELLED"} if failed() else {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """With a window: start and hand over to :meth:`modal`. (In background Blender calls execute instead.)"""
        _begin(context, self.task)
        self.in_window = True
        with _failures(self, context) as failed:
            self._steps = self.start(context)
            running.begin(self._steps)
            if _advance(self, context, self._steps):
                running.end(self._steps)
                return {"FINISHED"}
        if failed():
            running.end(self._steps)
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(_TICK_SECONDS, window=context.window)
        manager.modal_handler_add(self)  # type: ignore[arg-type]
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """One step per tick; everything else in Blender stays usable."""
        escaped = event.type == "ESC" and event.value == "PRESS" and over_our_panels(context, event)
        if escaped:
            run_state(context).cancel_requested = True
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        done = False
        with _failures(self, context) as failed:
            done = _advance(self, context, self._steps)
        if not (done or failed()):
            return {"RUNNING_MODAL"} if escaped else {"PASS_THROUGH"}
        self._leave(context)
        return {"FINISHED"} if done else {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends us: another file is loaded or the window closes."""
        self._leave(context)
        run_state(context).running = False
        _show_in_status_bar(context, None)

    def _leave(self, context: bpy.types.Context) -> None:
        running.end(self._steps)
        context.window_manager.event_timer_remove(self._timer)
        redraw(context)


def _begin(context: bpy.types.Context, task: str) -> None:
    run = run_state(context)
    if context.scene is not None:
        adopt_now(context.scene)
    run.running, run.cancel_requested = True, False
    run.task, run.stage, run.result = task, "Starting", ""
    run.fraction, run.seconds_left = 0.0, -1.0
    _show_in_status_bar(context, f"{task}: {run.stage}")


def _advance(operator: Any, context: bpy.types.Context, steps: Steps) -> bool:
    """Take one step; True when the work is done and its result is shown."""
    run = run_state(context)
    if run.cancel_requested and (kept := operator.kept_when_stopped()):
        steps.close()
        _end(context, kept, "cancelled")
        operator.report({"WARNING"}, translated(kept.splitlines()[0]))
        return True
    if run.cancel_requested:
        raise CancelledError(f"{run.task} was cancelled; nothing was changed.")
    try:
        status = next(steps)
    except StopIteration as stop:
        told = stop.value if isinstance(stop.value, Told) else Told(stop.value)
        _end(context, told.words, "done", told.warnings)
        operator.report({"INFO"}, translated(told.words.splitlines()[0]))
        for warning in told.warnings:
            operator.report({"WARNING"}, translated(warning))
        return True
    if (run.stage, round(run.fraction, 3)) != (status.stage, round(status.fraction, 3)):
        run.stage, run.fraction = status.stage, status.fraction
        run.seconds_left = -1.0 if status.seconds_left is None else status.seconds_left
        _show_in_status_bar(context, f"{run.task}: {run.stage}, {run.fraction:.0%} (Cancel in Mimesh's panel)")
        redraw(context)
    return False


def _end(context: bpy.types.Context, result: str, outcome: str, warnings: tuple[str, ...] = ()) -> None:
    run = run_state(context)
    run.running, run.result, run.outcome = False, result, outcome
    run.warnings = "\n".join(warnings)
    _show_in_status_bar(context, None)
    redraw(context)
    if not bpy.app.background:
        _settle()


def _settle() -> None:
    """Draw a few times more: a panel that has grown covers the titles below it until the region is drawn again."""
    left = [_SETTLE_DRAWS]

    def draw_again() -> float | None:
        redraw(bpy.context)
        left[0] -= 1
        return _SETTLE_SECONDS if left[0] else None

    bpy.app.timers.register(draw_again, first_interval=_SETTLE_SECONDS)


def over_our_panels(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Whether the mouse is over a sidebar or the preferences: elsewhere Esc belongs to somebody else."""
    screen = context.window.screen if context.window else None
    for area in screen.areas if screen else ():
        for region in area.regions:
            ours = (region.type == "UI" and area.type in _SIDEBARS) or area.type == "PREFERENCES"
            inside_x = region.x <= event.mouse_x < region.x + region.width
            if ours and inside_x and region.y <= event.mouse_y < region.y + region.height:
                return True
    return False


def _show_in_status_bar(context: bpy.types.Context, text: str | None) -> None:
    # also seen with the sidebar shut; there is no workspace in the background
    if not bpy.app.background and context.workspace is not None:
        context.workspace.status_text_set(text and translated(text))


@contextlib.contextmanager
def _failures(operator: Any, context: bpy.types.Context) -> Generator[Callable[[], bool], None, None]:
    """Translate exceptions to one report; yields a function that says whether there was one."""
    seen: list[str] = []
    outcome = "failed"
    try:
        yield lambda: bool(seen)
    except CancelledError as error:
        outcome = "cancelled"
        seen.append(error.message)
        operator.report({"WARNING"}, translated(error.message))
    except MimeshError as error:
        seen.append(str(error))
        operator.report({"ERROR"}, translated(str(error)))
    except Exception as error:  # noqa: BLE001 (the one place where a bug must become a sentence)
        _log.exception("%s failed", operator.bl_idname)
        seen.append(
            f"Mimesh failed unexpectedly ({type(error).__name__}: {error}). The system console has the details."
        )
        operator.report({"ERROR"}, seen[-1])
    finally:
        # also when the user interrupts a script, which is no Exception
        if seen or sys.exc_info()[0] is not None:
            _end(context, seen[-1] if seen else "Interrupted.", outcome)


def redraw(context: bpy.types.Context) -> None:
    """Show progress in the sidebars and in the preferences; the views themselves need no redraw."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if (area.type in _SIDEBARS and region.type == "UI") or area.type == "PREFERENCES":
                    region.tag_redraw()
