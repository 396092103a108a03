# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a line's first version: on the face while the engine still learns the person. Main thread only.

They are as whole as any line's, so that they can be played, edited and saved; their provenance says what they are. The
learnt version takes their place as a line that is made again does, with the artist's edits. A run that ends without
one takes them back, and the face is as it was before the run, unless the artist has worked on it since.
"""

from __future__ import annotations

import json
import zlib
from types import TracebackType
from typing import Any, Self

import bpy
import numpy as np

from ..direct.kept_motion import KeptMotion
from ..rig.plan import CurvePlan
from . import compat
from .apply import Placed, animation_now, place_plan, show_now
from .before import put_back, recorded
from .clear import animated_paths
from .kept import keep
from .layers import pull_edits, refresh_layers
from .read_animation import action_line, line_owners
from .tags import MADE_PROPERTY, PROVENANCE_PROPERTY
from .write_action import our_slots

_ASKED = ("co", "handle_left", "handle_right")
_CODES = ("type", "interpolation", "handle_left_type", "handle_right_type")


class FirstKeys:
    """Of one run; as a context it takes them back, unless :meth:`settle` was called in it."""

    def __init__(self) -> None:
        self._plan: CurvePlan | None = None
        self._placed: Placed | None = None
        self._left: tuple[object, ...] = ()
        self._travelled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.take_back()

    @property
    def on_the_face(self) -> bool:
        """Whether they are written and can be looked at."""
        return self._placed is not None

    @property
    def replaced(self) -> tuple[str, ...]:
        """Names of the actions that they have taken the place of, which are still there."""
        return self._placed.earlier if self._placed is not None else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What their plan had to say of the face as it was before."""
        return self._plan.warnings if self._plan is not None else ()

    def write(self, plan: CurvePlan, obj: bpy.types.Object, motion: KeptMotion) -> None:
        """Onto the face, all or nothing. Raises :class:`RigError`."""
        self._plan, self._placed = plan, place_plan(plan, obj)
        try:
            keep(obj, plan.line, motion)
            for action in self._placed.actions:
                # an edited line's copy would be taken for up to date by the sheet
                action.pop(MADE_PROPERTY, None)
            refresh_layers(obj)
            self._left = _state(plan, obj)
            self._watch()
        except BaseException:
            self._remove(obj)
            self._forget()
            raise
        show_now()

    def stays(self) -> str:
        """Why they are not taken back when the run is stopped now, in a sentence; empty where they are."""
        obj = self._find()
        if obj is None or self._is_as_left(obj):
            return ""
        return (
            f'The first version stays on "{obj.name}", because its animation was changed meanwhile. '
            "Generate again for the learnt one."
        )

    def take_back(self) -> None:
        """The face as it was before, where nobody has changed it since; nothing to do after :meth:`settle`."""
        obj = self._find()
        if obj is not None and self._is_as_left(obj):
            self._remove(obj)
            show_now()
        self._forget()

    def settle(self) -> None:
        """The learnt version is in their place."""
        self._forget()

    def _find(self) -> bpy.types.Object | None:
        """The face, where they are still on it: an undo may have taken them."""
        obj = bpy.data.objects.get(self._plan.object_name) if self._placed is not None and self._plan else None
        if obj is None or obj.type != "MESH" or self._plan is None:
            return None
        actions = [slot.action for owner in line_owners(obj) for slot in our_slots(owner)]
        here = [action for action in actions if action_line(action) == self._plan.line]
        return obj if any(is_first_version(action) for action in here) else None

    def _is_as_left(self, obj: bpy.types.Object) -> bool:
        assert self._plan is not None
        # after an undo or redo what is known of tracks and strips points to nowhere
        if self._travelled:
            return False
        pull_edits(obj)
        return _state(self._plan, obj) == self._left

    def _remove(self, obj: bpy.types.Object) -> None:
        assert self._placed is not None
        names = [slot.action.name for slot in self._placed.written.values()]
        moved = []
        for owner in line_owners(obj):
            slots = [slot for slot in our_slots(owner) if slot.action.name in names]
            paths = {curve.data_path for slot in slots for curve in compat.slot_curves(slot.action, slot.slot).fcurves}
            moved.append((owner, recorded(owner), paths))
        self._placed.take_back()
        for owner, before, paths in moved:
            if paths:
                put_back(owner, before, paths, animated_paths(owner))
        refresh_layers(obj)

    def _forget(self) -> None:
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
            if self._travel in handlers:
                handlers.remove(self._travel)
        self._placed, self._left, self._travelled = None, (), False

    def _watch(self) -> None:
        for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
            handlers.append(self._travel)

    def _travel(self, *_given: object) -> None:
        self._travelled = True


def is_first_version(action: Any) -> bool:
    """Whether a line of ours was made before the person had been learnt."""
    return bool(json.loads(action[PROVENANCE_PROPERTY]).get("first_version", False))


def _state(plan: CurvePlan, obj: bpy.types.Object) -> tuple[object, ...]:
    """All that taking back rests on: what animates the face, our keys to the last handle, and the shape keys."""
    total, keys = 0, []
    for owner in line_owners(obj):
        keys.append(tuple(block.name for block in getattr(owner, "key_blocks", ())))
        for slot in our_slots(owner):
            for curve in compat.slot_curves(slot.action, slot.slot).fcurves:
                total = _checksum(curve, total)
    return animation_now(plan, obj), total, tuple(keys)


def _checksum(curve: Any, total: int) -> int:
    points = curve.keyframe_points
    total = zlib.crc32(f"{curve.data_path}[{curve.array_index}]".encode(), total)
    for names, kind, size in ((_ASKED, np.float32, 2), (_CODES, np.int32, 1)):
        values = np.empty(size * len(points), kind)
        for name in names:
            points.foreach_get(name, values)
            total = zlib.crc32(values.tobytes(), total)
    return total
