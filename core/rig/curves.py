# SPDX-License-Identifier: GPL-3.0-or-later
"""What will be written: F-curves, slider ranges, and the paths that name them in Blender."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# datablocks of a plan: the face's shape keys, its armature, the shape keys of a mesh that goes with it, and another
# object whose controls drive keys
KEY, ARMATURE = "key", "armature"
_PART, _CONTROLS = "key:", "object:"

KEY_PATH = re.compile(r'key_blocks\["(.+)"\]\.value$')
BONE_PATH = re.compile(r'pose\.bones\["(.+)"\]\.(\w+)$')


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCurve:
    """One F-curve. frames, values: (n,) float32. group: channel group in the editors.

    datablock: ``KEY``, ``ARMATURE``, :func:`part_keys` or :func:`controls_of` of an object.
    """

    datablock: str
    path: str
    index: int
    frames: NDArray[np.float32]
    values: NDArray[np.float32]
    group: str


@dataclass(frozen=True, slots=True)
class SliderRange:
    """New slider limits of a shape key; a key's limits clamp its F-curve as well."""

    key_name: str
    minimum: float
    maximum: float
    datablock: str = KEY


def part_keys(object_name: str) -> str:
    """The datablock of the shape keys of a mesh that goes with the face."""
    return f"{_PART}{object_name}"


def part_object(datablock: str) -> str | None:
    """The object's name of :func:`part_keys`, None for the face's own datablocks."""
    return datablock[len(_PART) :] if datablock.startswith(_PART) else None


def controls_of(object_name: str) -> str:
    """The datablock of an object with controls, which is not the face's armature."""
    return f"{_CONTROLS}{object_name}"


def control_object(datablock: str) -> str | None:
    """The object's name of :func:`controls_of`, None for any other datablock."""
    return datablock[len(_CONTROLS) :] if datablock.startswith(_CONTROLS) else None


def key_path(name: str) -> str:
    """RNA path of a shape key's value, with the name quoted as Blender does."""
    return f'key_blocks["{_quoted(name)}"].value'


def bone_path(name: str, property_name: str) -> str:
    """RNA path of a pose bone's property."""
    return f'pose.bones["{_quoted(name)}"].{property_name}'


def unquoted(name: str) -> str:
    """A name out of a path."""
    return name.replace('\\"', '"').replace("\\\\", "\\")


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
