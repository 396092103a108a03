# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a face that was renamed or copied its lines back, as soon as somebody asks for them."""

from __future__ import annotations

from typing import Any

import bpy

from .properties import scene_settings


def adopt_soon(face: bpy.types.Object) -> bool:
    """Whether it has its lines now. While a panel is drawn nothing may be written: it is done a moment later."""
    from ..core.blender.adopt import stray_actions

    if bpy.app.timers.is_registered(_adopt) or not stray_actions(face):
        return False
    if bpy.app.background:
        # nothing is drawn
        adopt_now(bpy.context.scene)
        return True
    bpy.app.timers.register(_adopt, first_interval=0.0)
    return False


def adopt_now(scene: Any) -> None:
    """Of the chosen face and the sheet's characters, before a run reads what is there."""
    from ..core.blender.adopt import adopt_lines

    named = [item.character for item in scene.mimesh_sheet.lines]
    for face in dict.fromkeys([scene.mimesh.target, *named]):
        if face is not None and face.data is not None:
            adopt_lines(face)


def _adopt() -> None:
    """A timer's function."""
    target = scene_settings(bpy.context).target
    if target is not None:
        adopt_now(bpy.context.scene)


def register() -> None:
    """Nothing is looked for before it is asked for."""


def unregister() -> None:
    """Stop what is due."""
    if bpy.app.timers.is_registered(_adopt):
        bpy.app.timers.unregister(_adopt)
