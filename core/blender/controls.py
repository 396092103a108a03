# SPDX-License-Identifier: GPL-3.0-or-later
"""Which control of the armature drives a shape key, where that can be told. Main thread only.

A key under a driver has no effect when it is keyed: its control is keyed instead. Told are drivers that read one
property, bone channel or bone position of the face's own armature and at most multiply it; a control that several keys
share, a curve on the driver or an expression of more than that are not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import bpy

from ..rig.curves import bone_path, key_path
from ..rig.description import KeyControl

_NUMBER = r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?"
_SCALED = re.compile(
    rf"^\s*(?:(?P<before>{_NUMBER})\s*\*\s*)?(?P<name>[A-Za-z_]\w*)\s*(?:(?P<sign>[*/])\s*(?P<after>{_NUMBER}))?\s*$"
)
_PLACES = {"LOC_X": 0, "LOC_Y": 1, "LOC_Z": 2}
_BONE_CHANNEL = re.compile(r'^(pose\.bones\["(?:[^"\\]|\\.)+"\]\.(?:location|rotation_euler|scale))\[(\d)\]$')
_PROPERTY = re.compile(r'^(?:pose\.bones\["(?:[^"\\]|\\.)+"\])?\["(?:[^"\\]|\\.)+"\]$')
_LEAST_FACTOR = 1e-4


def find_controls(
    obj: bpy.types.Object, armature: bpy.types.Object | None, names: Sequence[str]
) -> Mapping[str, KeyControl]:
    """Key name to its control, for those of ``names`` whose driver can be told."""
    keys = obj.data.shape_keys
    if armature is None or keys is None or keys.animation_data is None or armature.library is not None:
        return {}
    paths = {key_path(name): name for name in names}
    taken = frozenset(curve.data_path for curve in _drivers(armature))
    found: dict[str, KeyControl] = {}
    for curve in keys.animation_data.drivers:
        name = paths.get(curve.data_path)
        control = None if name is None or not _straight(curve) else _control(curve.driver, armature)
        if name is not None and control is not None and control.path not in taken:
            found[name] = control
    users = Counter((control.path, control.index) for control in found.values())
    return {name: control for name, control in found.items() if users[control.path, control.index] == 1}


def control_values(armature: bpy.types.Object, controls: Mapping[str, KeyControl]) -> dict[tuple[str, int], float]:
    """The present value of each control."""
    return {(c.path, c.index): read_channel(armature, c.path, c.index) for c in controls.values()}


def read_channel(owner: Any, path: str, index: int) -> float:
    """One channel of a property by its path."""
    value = owner.path_resolve(path)
    return float(value[index]) if hasattr(value, "__len__") else float(value)


def write_channel(owner: Any, path: str, index: int, value: float) -> None:
    """Set one channel; a property that is not there any more is left alone."""
    try:
        present = owner.path_resolve(path)
    except ValueError:
        return
    if hasattr(present, "__len__"):
        present[index] = value
        return
    head, _, name = path.rpartition("[")
    holder = owner.path_resolve(head) if head else owner
    holder[name[1:-2].replace('\\"', '"').replace("\\\\", "\\")] = value


def _straight(curve: Any) -> bool:
    """Whether the driver's value goes to the key as it is, not through a curve that bends or bounds it.

    What Blender itself gives a new driver is straight: two points on the diagonal, or a generator of it.
    """
    points = [tuple(point.co) for point in curve.keyframe_points]
    diagonal = not points or (curve.extrapolation == "LINEAR" and all(abs(x - y) < _LEAST_FACTOR for x, y in points))
    return not curve.mute and diagonal and not len(curve.sampled_points) and all(map(_does_nothing, curve.modifiers))


def _does_nothing(modifier: Any) -> bool:
    if modifier.mute:
        return True
    if modifier.type != "GENERATOR" or modifier.mode != "POLYNOMIAL" or modifier.use_additive:
        return False
    return [round(float(c), 6) for c in modifier.coefficients] == [0.0, 1.0]


def _control(driver: Any, armature: bpy.types.Object) -> KeyControl | None:
    if len(driver.variables) != 1:
        return None
    variable = driver.variables[0]
    factor = _factor(driver, variable.name)
    if factor is None or len(variable.targets) != 1 or variable.targets[0].id != armature:
        return None
    target = variable.targets[0]
    if variable.type == "TRANSFORMS":
        local = target.transform_space == "LOCAL_SPACE" and target.bone_target in armature.pose.bones
        place = _PLACES.get(target.transform_type)
        if not local or place is None:
            return None
        return KeyControl(bone_path(target.bone_target, "location"), place, factor)
    if variable.type != "SINGLE_PROP":
        return None
    if channel := _BONE_CHANNEL.match(target.data_path):
        return KeyControl(channel[1], int(channel[2]), factor)
    return KeyControl(target.data_path, 0, factor) if _is_number(armature, target.data_path) else None


def _factor(driver: Any, name: str) -> float | None:
    """What the driver multiplies its one variable with."""
    if driver.type != "SCRIPTED":
        return 1.0
    found = _SCALED.match(driver.expression)
    if found is None or found["name"] != name:
        return None
    factor = float(found["before"] or 1.0)
    if found["after"]:
        other = float(found["after"])
        if found["sign"] == "/" and not other:
            return None
        factor = factor * other if found["sign"] == "*" else factor / other
    return factor if abs(factor) > _LEAST_FACTOR else None


def _is_number(owner: Any, path: str) -> bool:
    if not _PROPERTY.match(path):
        return False
    try:
        return isinstance(owner.path_resolve(path), float)
    except ValueError:
        return False


def _drivers(owner: Any) -> Sequence[Any]:
    return owner.animation_data.drivers if owner.animation_data is not None else ()
