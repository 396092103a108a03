# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab in the sidebars, in Blender's process: draws, may import bpy, ``operators`` and core's base.

One file for each sub-panel; ``panels.places`` has their order and the editors they stand in.
"""

from __future__ import annotations

from . import (
    adjust,
    codebook,
    engine,
    face,
    face_rig,
    generate,
    head_motion,
    lip_sync,
    menus,
    presets,
    reference,
    retake,
    sheet,
    speech,
    style_mix,
    styles,
    translation,
)

# a parent before its children
_MODULES = (
    translation,
    presets,
    styles,
    codebook,
    lip_sync,
    speech,
    reference,
    style_mix,
    face,
    face_rig,
    generate,
    adjust,
    retake,
    head_motion,
    sheet,
    engine,
    menus,
)


def register() -> None:
    """Register every module's classes."""
    for module in _MODULES:
        module.register()


def unregister() -> None:
    """Undo :func:`register`, last first."""
    for module in reversed(_MODULES):
        module.unregister()
