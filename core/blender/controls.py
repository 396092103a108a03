# SPDX-License-Identifier: GPL-3.0-or-later
"""Which control drives a shape key, where that can be told. Main thread only.

A key under a driver has no effect when it is keyed: its control is keyed instead. Told are drivers that read one
property, bone channel or bone position, of the face's own armature, of another (a control rig) or of any object's
custom properties, and make a straight line of it. Two keys may have a side each of one control, as on a face panel
where up smiles and down frowns; a control that more keys share, a bent curve and an expression of more than one
variable are not told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import bpy

from ..rig.curves import bone_path, key_path
from ..rig.description import KeyControl
from ..rig.driver_shape import DriverShape, driver_shape

_PLACES = {"LOC_X": 0, "LOC_Y": 1, "LOC_Z": 2}
_BONE_CHANNEL = re.compile(r'^(pose\.bones\["(?:[^"\\]|\\.)+"\]\.(?:location|rotation_euler|scale))\[(\d)\]$')
_PROPERTY = re.compile(r'^(?:pose\.bones\["(?:[^"\\]|\\.)+"\])?\["(?:[^"\\]|\\.)+"\]$')
_LEAST_FACTOR = 1e-4


def find_controls(
    obj: bpy.types.Object, armature: bpy.types.Object | None, names: Sequence[str], signed: bool
) -> Mapping[str, KeyControl]:
    """Key name to its control, for those of ``names`` whose driver can be told.

    signed: the keys take values below zero, so that a driver that stops there will not do.
    """
    keys = obj.data.shape_keys
    if keys is None or keys.animation_data is None:
        return {}
    paths = {key_path(name): name for name in names}
    found: dict[str, KeyControl] = {}
    for curve in keys.animation_data.drivers:
        name = paths.get(curve.data_path)
        control = None if name is None or not _straight(curve) else _control(curve.driver, armature)
        if name is not None and control is not None and not (signed and control.one_sided):
            at_least_zero = not signed and keys.key_blocks[name].slider_min >= 0.0
            found[name] = replace(control, one_sided=control.one_sided or at_least_zero)
    return _apart(found, armature)


def control_values(
    armature: bpy.types.Object | None, controls: Mapping[str, KeyControl]
) -> dict[str, dict[tuple[str, int], float]]:
    """The present value of each control, by the name of the object that has it."""
    found: dict[str, dict[tuple[str, int], float]] = {}
    for control in controls.values():
        owner = bpy.data.objects[control.owner] if control.owner else armature
        if owner is not None:
            value = read_channel(owner, control.path, control.index)
            found.setdefault(owner.name, {})[control.path, control.index] = value
    return found


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


def _apart(found: Mapping[str, KeyControl], armature: bpy.types.Object | None) -> dict[str, KeyControl]:
    """Without those that would move another key or bone too, or whose own channel a driver has."""
    told: dict[str, KeyControl] = {}
    owners: dict[tuple[str, int], str] = {}
    for name, control in found.items():
        channel = (control.path, control.index)
        # resting values are known by path alone: the same path on two objects is not
        known = owners.setdefault(channel, control.owner)
        sharing = [
            other for other in found.values() if (other.owner, other.path, other.index) == (control.owner, *channel)
        ]
        owner = bpy.data.objects[control.owner] if control.owner else armature
        if known == control.owner and _may_share(sharing) and control.path not in _driven_paths(owner):
            told[name] = control
    return told


def _may_share(sharing: Sequence[KeyControl]) -> bool:
    """One key alone, or two that have a side each."""
    if len(sharing) == 1:
        return True
    return len(sharing) == 2 and all(c.one_sided for c in sharing) and sharing[0].factor * sharing[1].factor < 0


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


def _control(driver: Any, armature: bpy.types.Object | None) -> KeyControl | None:
    if len(driver.variables) != 1 or len(driver.variables[0].targets) != 1:
        return None
    variable = driver.variables[0]
    target = variable.targets[0]
    owner = target.id
    # what is linked cannot be keyed; an override of it can
    if not isinstance(owner, bpy.types.Object) or owner.library is not None:
        return None
    shape = DriverShape(1.0, False) if driver.type != "SCRIPTED" else driver_shape(driver.expression, variable.name)
    channel = _channel(variable, target, owner)
    if shape is None or channel is None:
        return None
    return KeyControl(*channel, shape.factor, "" if owner == armature else owner.name, shape.one_sided)


def _channel(variable: Any, target: Any, owner: bpy.types.Object) -> tuple[str, int] | None:
    """Path and index of what the driver reads."""
    if variable.type == "TRANSFORMS":
        local = owner.pose is not None and target.bone_target in owner.pose.bones
        place = _PLACES.get(target.transform_type)
        if not local or target.transform_space != "LOCAL_SPACE" or place is None:
            return None
        return bone_path(target.bone_target, "location"), place
    if variable.type != "SINGLE_PROP":
        return None
    if found := _BONE_CHANNEL.match(target.data_path):
        return found[1], int(found[2])
    return (target.data_path, 0) if _is_number(owner, target.data_path) else None


def _is_number(owner: Any, path: str) -> bool:
    if not _PROPERTY.match(path):
        return False
    try:
        return isinstance(owner.path_resolve(path), float)
    except ValueError:
        return False


def _driven_paths(owner: Any) -> frozenset[str]:
    data = owner.animation_data if owner is not None else None
    return frozenset(curve.data_path for curve in data.drivers) if data is not None else frozenset()
