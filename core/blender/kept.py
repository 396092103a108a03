# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion of a line stays with its action: saved, appended, linked and undone along with the keys.

It is a property in bytes on the action that holds the line's shape keys, beside the provenance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ..direct.kept_motion import KeptMotion
from ..errors import RigError
from ..rig.existing import Line
from .read_animation import action_line, line_owners
from .read_rig import require_mesh
from .tags import KEPT_PROPERTY, LINE_PROPERTY, PROVENANCE_PROPERTY, our_actions, record, store_bytes


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line of speech on a face: found by :func:`kept_lines`.

    action: name of the action with its shape keys. first, last: its frames without the ease. has_motion: whether its
    motion is kept; lines of earlier versions have none.
    """

    object_name: str
    line: Line
    action: str
    first: float
    last: float
    has_motion: bool
    provenance_json: str


def keep(obj: bpy.types.Object, line: Line, motion: KeptMotion) -> None:
    """Store a line's motion with its action. Raises :class:`RigError` where the face has no such line."""
    holder = _holder(obj, line)
    if holder is None:
        raise RigError(f'"{obj.name}" has no line for "{line.sound}" that the motion could be kept with.')
    store_bytes(holder, KEPT_PROPERTY, motion.pack())


def kept_lines(obj: bpy.types.Object) -> tuple[KeptLine, ...]:
    """Every line of ours on the face in the order of their frames, whether its motion is kept or not."""
    found: dict[Line, KeptLine] = {}
    for action in _face_actions(obj):
        line, noted = action_line(action), record(action, LINE_PROPERTY)
        known = found.get(line)
        if known is not None and (known.has_motion or KEPT_PROPERTY not in action):
            continue
        frames = action.frame_range
        found[line] = KeptLine(
            object_name=obj.name,
            line=line,
            action=action.name,
            first=float(noted.get("first", frames[0])),
            last=float(noted.get("last", frames[1])),
            has_motion=KEPT_PROPERTY in action,
            provenance_json=str(action[PROVENANCE_PROPERTY]),
        )
    return tuple(sorted(found.values(), key=lambda line: line.first))


def find_line(obj: bpy.types.Object, sound: str = "") -> KeptLine:
    """The line for this sound; the only or the newest one where there is none. Raises :class:`RigError` for none."""
    lines = kept_lines(obj)
    if not lines:
        raise RigError(f'"{obj.name}" has no animation that Mimesh made.', "Generate first.")
    fitting = [line for line in lines if sound and line.line.sound == sound]
    newest = next(_face_actions(obj)).name
    return (fitting or [line for line in lines if line.action == newest] or list(lines))[0]


def load(line: KeptLine) -> KeptMotion:
    """The motion of a line. Raises :class:`RigError` where it is lost, :class:`ModelError` where it is damaged."""
    action = bpy.data.actions.get(line.action)
    if action is None or KEPT_PROPERTY not in action:
        raise RigError(
            f'The motion of "{line.line.sound or line.object_name}" is not kept in this file: an earlier version of '
            "Mimesh made the line, or the property was removed.",
            "Generate it again: your edited keys stay.",
        )
    return KeptMotion.unpack(bytes(action[KEPT_PROPERTY]))


def _holder(obj: bpy.types.Object, line: Line) -> Any | None:
    """The action of the line's shape keys, or the first of its others."""
    actions = (action for action in _face_actions(obj) if action_line(action) == line)
    return next(actions, None)


def _face_actions(obj: bpy.types.Object) -> Iterator[Any]:
    """Our actions for this face, those of its shape keys first."""
    for owner in line_owners(require_mesh(obj)):
        yield from (action for action in our_actions(owner) if action_line(action).face in ("", obj.name))
