# SPDX-License-Identifier: GPL-3.0-or-later
"""Which control drives a shape key, where that can be told. Main thread only.

A key under a driver has no effect when it is keyed: its control is keyed instead. Told are drivers that read one
property, bone channel or bone position, of the face's own armature, of another (a control rig) or of any object's
custom properties, and make a straight line of it. Two keys may have a side each of one control, as on a face panel
where up smiles and down frowns; a control that more keys share, a bent curve and an expression of several controls are
not told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import bpy

from ..rig.curves import bone_path, key_path
from ..rig.description import KeyControl
from ..rig.driver_shape import DriverShape, driver_shape
from ..rig.frames import EULER_ORDERS
from . import compat

_PLACES = {"LOC_X": 0, "LOC_Y": 1, "LOC_Z": 2}
_TURNS = {"ROT_X": 0, "ROT_Y": 1, "ROT_Z": 2}
_BONE_CHANNEL = re.compile(r'^(pose\.bones\["(?:[^"\\]|\\.)+"\]\.(?:location|rotation_euler|scale))\[(\d)\]$')
_PROPERTY = re.compile(r'^(?:pose\.bones\["(?:[^"\\]|\\.)+"\])?\["(?:[^"\\]|\\.)+"\]$')
_LEAST_FACTOR = 1e-4


def find_controls(
    obj: bpy.types.Object,
    armature: bpy.types.Object | None,
    names: Sequence[str],
    signed: bool,
    turned: Collection[str],
) -> Mapping[str, KeyControl]:
    """Key name to its control, for those of the keys ``names`` whose driver can be told.

    signed: whether they take values below zero: these need a driver that does not stop there. turned: bones of the
    armature that are keyed themselves; a key that one of them drives follows it.
    """
    keys = obj.data.shape_keys
    if keys is None or keys.animation_data is None:
        return {}
    paths = {key_path(name): name for name in names}
    own = {bone_path(bone, field) for bone in turned for field in ("rotation_euler", "location")}
    found: dict[str, KeyControl] = {}
    for curve in keys.animation_data.drivers:
        name = paths.get(curve.data_path)
        control = None if name is None or not _straight(curve) else _control(curve.driver, armature)
        follows = control is not None and not control.owner and control.path in own
        if name is not None and control is not None and not follows and not (signed and control.one_sided):
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
        known = "" if _turns_face_bone(control, armature) else owners.setdefault(channel, control.owner)
        sharing = [
            other for other in found.values() if (other.owner, other.path, other.index) == (control.owner, *channel)
        ]
        owner = bpy.data.objects[control.owner] if control.owner else armature
        if known == control.owner and _may_share(sharing) and control.path not in _driven_paths(owner):
            told[name] = control
    return told


def _turns_face_bone(control: KeyControl, armature: bpy.types.Object | None) -> bool:
    """Whether the face's own armature has a bone of the same name, which may be the jaw that is turned."""
    if armature is None or "rotation" not in control.path:
        return False
    return any(control.path == bone_path(bone.name, "rotation_euler") for bone in armature.pose.bones)


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
    variables = list(driver.variables)
    if any(len(variable.targets) != 1 for variable in variables):
        return None
    moved = [variable for variable in variables if len(variables) == 1 or _reads_a_bone(variable)]
    # a control and how much of it counts, as face panels with sliders for that have
    constants = {v.name: _constant(v) for v in variables if v not in moved}
    if len(moved) != 1 or None in constants.values() or (constants and driver.type != "SCRIPTED"):
        return None
    variable, target = moved[0], moved[0].targets[0]
    owner = target.id
    # what is linked cannot be keyed; an override of it can
    if not isinstance(owner, bpy.types.Object) or owner.library is not None:
        return None
    shape = DriverShape(1.0, False)
    if driver.type == "SCRIPTED":
        known = {name: value for name, value in constants.items() if value is not None}
        shape = driver_shape(driver.expression, variable.name, known)
    channel = _channel(variable, target, owner)
    if shape is None or channel is None:
        return None
    return KeyControl(*channel, shape.factor, "" if owner == armature else owner.name, shape.one_sided)


def _reads_a_bone(variable: Any) -> bool:
    path = variable.targets[0].data_path
    return variable.type == "TRANSFORMS" or bool(variable.type == "SINGLE_PROP" and _BONE_CHANNEL.match(path))


def _constant(variable: Any) -> float | None:
    """The present value of a property that nothing moves."""
    target = variable.targets[0]
    if variable.type != "SINGLE_PROP" or target.id is None or target.data_path in _moved_paths(target.id):
        return None
    try:
        value = target.id.path_resolve(target.data_path)
    except ValueError:
        return None
    return float(value) if isinstance(value, (int, float)) else None


def _channel(variable: Any, target: Any, owner: bpy.types.Object) -> tuple[str, int] | None:
    """Path and index of what the driver reads."""
    if variable.type == "TRANSFORMS":
        bone = owner.pose.bones.get(target.bone_target) if owner.pose is not None else None
        if bone is None or target.transform_space != "LOCAL_SPACE":
            return None
        if (place := _PLACES.get(target.transform_type)) is not None:
            return bone_path(bone.name, "location"), place
        # angles are channels of their own where the bone turns by them
        turned = _TURNS.get(target.transform_type)
        by_angles = bone.rotation_mode in EULER_ORDERS and target.rotation_mode in ("AUTO", bone.rotation_mode)
        return None if turned is None or not by_angles else (bone_path(bone.name, "rotation_euler"), turned)
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


def _moved_paths(owner: Any) -> frozenset[str]:
    data = getattr(owner, "animation_data", None)
    curves = compat.owner_curves(owner) if data is not None else ()
    return _driven_paths(owner) | frozenset(curve.data_path for curve in curves)


def _driven_paths(owner: Any) -> frozenset[str]:
    data = getattr(owner, "animation_data", None)
    return frozenset(curve.data_path for curve in data.drivers) if data is not None else frozenset()
