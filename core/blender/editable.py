# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Blender keeps what we would write on a face, and whom it belongs to. Changes nothing. Main thread only."""

from __future__ import annotations

import bpy

from ..errors import RigError

# Blender drops new animation of an overridden mesh's shape keys on reload before this version (measured: see
# tests/blender/test_overrides.py)
OVERRIDES_KEPT_SINCE = (5, 0, 0)


def require_editable(obj: bpy.types.Object, armature: bpy.types.Object | None) -> None:
    """Raises :class:`RigError` with the reason and the way out."""
    keys = obj.data.shape_keys
    for block in (obj, obj.data, keys, armature):
        if block is not None and block.library is not None:
            raise RigError(
                f'"{block.name}" is linked from {block.library.filepath} and cannot be animated here.', _way_out()
            )
    if obj.data.override_library is not None and bpy.app.version < OVERRIDES_KEPT_SINCE:
        raise RigError(
            f'"{obj.data.name}" is a library override, and Blender {bpy.app.version_string} loses new animation of '
            "its shape keys when the file is opened again.",
            "Make it local (Object > Relations > Make Local > All), or use Blender 5.0 or newer.",
        )
    for thing in (obj, armature):
        if thing is not None and thing.mode == "EDIT":
            raise RigError(f'"{thing.name}" is in Edit Mode.', "Leave Edit Mode (Tab) and try again.")
    twins = [other.name for other in bpy.data.objects if other.data == obj.data and other != obj]
    if twins:
        raise RigError(
            f'"{obj.name}" shares its mesh with "{twins[0]}", so both would talk.',
            "Make it single-user (Object > Relations > Make Single User > Object & Data).",
        )


def _way_out() -> str:
    if bpy.app.version >= OVERRIDES_KEPT_SINCE:
        return (
            "Make a library override of the character that includes its mesh data "
            "(Object > Library Override > Make), or make it local (Object > Relations > Make Local > All)."
        )
    return "Make it local (Object > Relations > Make Local > All)."
