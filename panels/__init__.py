# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab in the 3D View, in Blender's process: draws, may import bpy, ``operators`` and core's base."""

from __future__ import annotations

from . import engine, face_rig, head_motion, lip_sync, styles

_MODULES = (styles, lip_sync, face_rig, head_motion, engine)


def register() -> None:
    """Register every module's classes."""
    for module in _MODULES:
        module.register()


def unregister() -> None:
    """Undo :func:`register`, last first."""
    for module in reversed(_MODULES):
        module.unregister()
