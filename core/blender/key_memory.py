# SPDX-License-Identifier: GPL-3.0-or-later
"""What was written last to a line's curves, so that a dragged slider need not find out again. Main thread only.

Blender tells a handler of every change to an action; until it does, keys are as they were left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..direct.written import CurveName, WrittenCurve


@dataclass(frozen=True, slots=True, eq=False)
class LeftCurve:
    """A curve as it was left. co: (n, 2) frames and values of all its keys. frames, values: (m,) as planned.

    keys, removed: the artist's keys, and frames of ours that the artist deleted. ours: as in the action's record.
    """

    co: NDArray[np.float32]
    frames: NDArray[np.float32]
    values: NDArray[np.float32]
    keys: WrittenCurve
    removed: NDArray[np.float32]
    ours: WrittenCurve

    def is_ours(self) -> bool:
        """Whether all of its keys are ours, and none of ours is missing."""
        return len(self.co) == len(self.ours.frames) and not len(self.keys.frames) and not len(self.removed)

    def our_points(self) -> NDArray[np.float32]:
        """(k, 2) frames and values of what is ours: not the same as ``co`` once the artist has edited the curve."""
        if self.is_ours():
            return self.co
        return np.stack([self.ours.frames, self.ours.values], axis=1)


@dataclass(slots=True, eq=False)
class KeyMemory:
    """Of one line. records: what was stored with its actions (one since 4.4); curves count while they are there."""

    records: list[bytes] = field(default_factory=list)
    curves: dict[CurveName, LeftCurve] = field(default_factory=dict)

    def forget(self) -> None:
        """Begin anew."""
        self.records.clear()
        self.curves.clear()


class _Watch:
    """Whether an action may have changed since it was asked last."""

    changed = True


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _see(_scene: object, depsgraph: Any = None) -> None:
    # what is no evaluation (undo, a new file) may have changed anything
    if depsgraph is None or any(isinstance(update.id, bpy.types.Action) for update in depsgraph.updates):
        _Watch.changed = True


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _see_before_frame(scene: bpy.types.Scene, *_given: object) -> None:
    # the coming evaluation hides what was changed before it: every action counts as updated in it
    layer = bpy.context.view_layer
    # Blender's stubs have this answer nothing
    renders = bool(bpy.app.is_job_running("RENDER"))  # type: ignore[func-returns-value]
    if layer is None or scene != bpy.context.scene or renders:
        _Watch.changed = True
    elif not _Watch.changed and layer.depsgraph is not None:
        _see(scene, layer.depsgraph)


def watch() -> None:
    """Let Blender tell of changes from now on."""
    for found, handler in _handlers():
        if handler not in found:
            found.append(handler)
            _Watch.changed = True


def unwatch() -> None:
    """Stop it."""
    for found, handler in _handlers():
        if handler in found:
            found.remove(handler)


def is_untouched() -> bool:
    """Whether no action has changed since :func:`settle`."""
    handlers = bpy.app.handlers
    if _see not in handlers.depsgraph_update_post or bpy.context.view_layer is None:
        return False
    # changes that Blender has not looked at yet are told now; without any it takes no time
    bpy.context.view_layer.update()
    return not _Watch.changed


def settle() -> None:
    """What has changed until now is known."""
    _Watch.changed = False


def _handlers() -> list[tuple[Any, Any]]:
    handlers = bpy.app.handlers
    several = (handlers.depsgraph_update_post, handlers.undo_post, handlers.redo_post, handlers.load_post)
    return [*((found, _see) for found in several), (handlers.frame_change_pre, _see_before_frame)]
