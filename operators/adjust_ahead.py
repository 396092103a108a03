# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets the line of the sliders ready when they are drawn, so that the first of them need not wait for it."""

from __future__ import annotations

import contextlib

import bpy

from ..core.errors import MimeshError
from .adjust import adjust_disabled_reason, current_line
from .properties import scene_settings

_SECONDS = 0.1


def prepare_soon() -> None:
    """A moment from now; a drawing itself must not take long."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_prepare):
        bpy.app.timers.register(_prepare, first_interval=_SECONDS)


def _prepare() -> None:
    """A timer's function."""
    from ..core.blender.adjust_ready import prepare_line

    context = bpy.context
    if context.scene is None or adjust_disabled_reason(context):
        return
    line, target = current_line(context), scene_settings(context).target
    if line is not None:
        # what is wrong is told when a slider is moved
        with contextlib.suppress(MimeshError):
            prepare_line(target, line)


def register() -> None:
    """Nothing until the sliders are drawn."""


def unregister() -> None:
    """Stop what is due."""
    if bpy.app.timers.is_registered(_prepare):
        bpy.app.timers.unregister(_prepare)
