# SPDX-License-Identifier: GPL-3.0-or-later
"""Tidies a line anew a moment after the last slider was let go: tidying takes longer than a slider may.

It belongs to the slider's step of undo. Where that step comes back by undo or redo, or from a file that was saved
in between, the line is tidied then.
"""

from __future__ import annotations

import time
from typing import Any

import bpy

_QUIET_SECONDS = 0.4


class _Due:
    """When to look, in ``time.monotonic()``; 0 for not at all."""

    at = 0.0


def tidy_soon() -> None:
    """Look for lines to tidy a moment from now, and only once where this is asked again until then."""
    _Due.at = time.monotonic() + _QUIET_SECONDS
    if not bpy.app.timers.is_registered(_tidy):
        bpy.app.timers.register(_tidy, first_interval=_QUIET_SECONDS)


def _tidy() -> float | None:
    """A timer's function."""
    from ..core.blender.adjust import settle_lines

    left = _Due.at - time.monotonic()
    if left > 0:
        return left
    if bpy.context.window_manager.mimesh_run.running:  # type: ignore[attr-defined]
        return _QUIET_SECONDS
    settle_lines()
    return None


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _came_back(*_given: object) -> None:
    """After undo, redo and loading."""
    tidy_soon()


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _before_saving(*_given: object) -> None:
    """A file is saved with its lines tidy."""
    if bpy.app.timers.is_registered(_tidy):
        from ..core.blender.adjust import settle_lines

        bpy.app.timers.unregister(_tidy)
        settle_lines()


def register() -> None:
    """Watch undo and files; without a window no slider is dragged."""
    if not bpy.app.background:
        for found in _handlers():
            found.append(_came_back)
        bpy.app.handlers.save_pre.append(_before_saving)


def unregister() -> None:
    """Undo :func:`register`."""
    for found in (*_handlers(), bpy.app.handlers.save_pre):
        for handler in (_came_back, _before_saving):
            if handler in found:
                found.remove(handler)
    if bpy.app.timers.is_registered(_tidy):
        bpy.app.timers.unregister(_tidy)


def _handlers() -> tuple[Any, ...]:
    handlers = bpy.app.handlers
    return handlers.undo_post, handlers.redo_post, handlers.load_post
