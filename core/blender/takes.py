# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes that await an answer, in properties of the face's object: saved with the file and part of undo."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import bpy

from ..direct.kept_motion import KeptMotion
from ..direct.splice import pack_keys, unpack_keys
from ..direct.written import CurveName, WrittenCurve
from .tags import store_bytes

_STATE, _TAKE, _KEYS = "mimesh_retake", "mimesh_take_{}", "mimesh_take_keys"
# the line as it was before
BEFORE = 0


@dataclass(frozen=True, slots=True)
class Retake:
    """A retake that awaits its answer. sound: of the line. first, last: frames. shown: 0 is the line as it was."""

    sound: str
    first: float
    last: float
    labels: tuple[str, ...]
    shown: int = 0

    def to_text(self) -> str:
        """For the object's property."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Inverse of :meth:`to_text`."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "labels": tuple(values["labels"])})


def open_retake(obj: bpy.types.Object | None) -> Retake | None:
    """The retake of a face that awaits its answer; cheap enough for a panel."""
    return Retake.from_text(str(obj[_STATE])) if obj is not None and _STATE in obj else None


def store_takes(
    obj: bpy.types.Object, retake: Retake, takes: Sequence[KeptMotion], keys: Mapping[CurveName, WrittenCurve]
) -> None:
    """Keep takes, the line as it was first, with its keys at present."""
    for number, motion in enumerate(takes):
        store_bytes(obj, _TAKE.format(number), motion.pack())
    store_bytes(obj, _KEYS, pack_keys(keys))
    note_retake(obj, retake)


def note_retake(obj: bpy.types.Object, retake: Retake) -> None:
    """Keep what has changed of the retake itself."""
    obj[_STATE] = retake.to_text()


def take_motion(obj: bpy.types.Object, number: int) -> KeptMotion:
    """The whole line with a take in it. Raises :class:`ModelError` where it is damaged."""
    return KeptMotion.unpack(bytes(obj[_TAKE.format(number)]))


def keys_before(obj: bpy.types.Object) -> dict[CurveName, WrittenCurve]:
    """The line's keys when the takes were made; nothing where they have been replaced as a whole since."""
    return unpack_keys(bytes(obj[_KEYS])) if _KEYS in obj else {}


def forget_takes(obj: bpy.types.Object, sound: str | None = None) -> None:
    """Let go of takes; ``sound``: only those of its line."""
    retake = open_retake(obj)
    if retake is None or sound not in (None, retake.sound):
        return
    for name in (_STATE, _KEYS, *map(_TAKE.format, range(len(retake.labels)))):
        if name in obj:
            del obj[name]


def forget_keys(obj: bpy.types.Object, sound: str) -> None:
    """The keys of a line have been made anew: takes then are what their motion says, on all frames."""
    retake = open_retake(obj)
    if retake is not None and retake.sound == sound and _KEYS in obj:
        del obj[_KEYS]


def shift_takes(obj: bpy.types.Object, sound: str, frames: int) -> None:
    """The line has moved, and its takes with it."""
    retake = open_retake(obj)
    if retake is None or retake.sound != sound:
        return
    takes = [take_motion(obj, number).shifted(frames) for number in range(len(retake.labels))]
    moved = {name: WrittenCurve(c.frames + frames, c.values) for name, c in keys_before(obj).items()}
    store_takes(obj, dataclasses.replace(retake, first=retake.first + frames, last=retake.last + frames), takes, moved)
