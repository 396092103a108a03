# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, properties and preferences, in Blender's process: may import bpy and ``core``'s Blender-side rooms.

Registered in this order.
"""

from __future__ import annotations

from . import (
    adjust,
    adjust_ahead,
    adopt,
    assets,
    cache,
    check_reference,
    clear,
    closures,
    command_line,
    demo_head,
    engine,
    engine_access,
    export,
    face_rig,
    generate,
    head_motion,
    import_flame,
    import_recording,
    landmarks,
    layers,
    manual,
    pick,
    playblast,
    pose_list,
    pose_properties,
    preferences,
    presets,
    properties,
    reference_picture,
    report,
    retake,
    sheet,
    sheet_files,
    sheet_watch,
    style_library,
    style_list,
    style_mix,
    styles,
    take_pictures,
    tidy,
    tidy_later,
    traits,
    try_it,
    use_media,
)

_MODULES = (
    pose_properties,
    properties,
    preferences,
    pose_list,
    presets,
    engine_access,
    generate,
    adjust,
    adjust_ahead,
    adopt,
    tidy,
    tidy_later,
    closures,
    layers,
    check_reference,
    try_it,
    use_media,
    head_motion,
    import_flame,
    import_recording,
    pick,
    demo_head,
    landmarks,
    face_rig,
    clear,
    styles,
    style_list,
    style_library,
    engine,
    cache,
    manual,
    assets,
    command_line,
    export,
    sheet,
    sheet_files,
    sheet_watch,
    retake,
    take_pictures,
    reference_picture,
    style_mix,
    traits,
    report,
    playblast,
)


def register() -> None:
    """Register every module's classes."""
    for module in _MODULES:
        module.register()


def unregister() -> None:
    """Undo :func:`register`, last first."""
    for module in reversed(_MODULES):
        module.unregister()
