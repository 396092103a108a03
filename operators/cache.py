# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the engine keeps on disk, and throwing it away."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy

from .engine_access import close_engine
from .preferences import work_folder
from .properties import run_state
from .stubs import OperatorResult, classes_factory

# what the engine writes there itself; a folder that the user chose may hold other things
_OURS = ("cache/*.npz", "cache/*.safetensors", "cache/.*.npz.*", "cache/.*.safetensors.*", "jobs/*/*", "engine-*.log")


class MIMESH_OT_measure_cache(bpy.types.Operator):
    """Look how much space tracked references take"""

    bl_idname = "mimesh.measure_cache"
    bl_label = "Measure Cache"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Shows the size in the preferences."""
        files = cache_files(work_folder(context))
        megabytes = sum(map(_size, files)) / 1e6
        run_state(context).cache_status = f"{megabytes:.1f} MB in {len(files)} files."
        return {"FINISHED"}


class MIMESH_OT_clear_cache(bpy.types.Operator):
    """Throw away tracked references; the next run with the same clip tracks it again"""

    bl_idname = "mimesh.clear_cache"
    bl_label = "Clear Cache"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not under a running job."""
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Removes only files that the engine wrote."""
        close_engine(wait=True)
        removed = 0
        for path in cache_files(work_folder(context)):
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
        left = len(cache_files(work_folder(context)))
        run_state(context).cache_status = f"{left} files cannot be removed." if left else "Empty."
        self.report({"WARNING" if left else "INFO"}, f"Removed {removed} files; {left} are left.")
        return {"FINISHED"}


def cache_files(folder: Path) -> list[Path]:
    """Everything that the engine keeps there."""
    return [path for pattern in _OURS for path in folder.glob(pattern) if path.is_file()]


def _size(path: Path) -> int:
    # another Blender may be removing it just now
    try:
        return path.stat().st_size
    except OSError:
        return 0


register, unregister = classes_factory((MIMESH_OT_measure_cache, MIMESH_OT_clear_cache))
