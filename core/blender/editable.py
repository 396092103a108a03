# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Blender keeps what we would write on a face, and whom it belongs to. Changes nothing. Main thread only."""

from __future__ import annotations

import bpy

from ..errors import RigError

# measured in 4.2, 4.5, 5.0 and 5.2 (tests/blender/test_overrides.py): keys on an overridden mesh are there after
# saving and loading, keys on the linked mesh of an overridden object are not
_WAY_OUT = (
    "Override the character with its mesh data (Outliner: right-click the mesh, Library Override > Make), or make it "
    "local (Object > Relations > Make Local > All)."
)


def require_editable(obj: bpy.types.Object, armature: bpy.types.Object | None) -> None:
    """Raises :class:`RigError` with the reason and the way out."""
    keys = obj.data.shape_keys
    for block in (obj, obj.data, keys, armature):
        if block is not None and block.library is not None:
            raise RigError(
                f'"{block.name}" is linked from {block.library.filepath} and cannot be animated here.', _WAY_OUT
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
