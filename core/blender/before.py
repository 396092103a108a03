# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that stood on a face before anything of ours: where a line comes from, and what Clear puts back."""

from __future__ import annotations

from typing import Any

import bpy

from ..rig.curves import BONE_PATH, KEY_PATH, bone_path, key_path, part_object, unquoted
from ..rig.ease import rest_value
from ..rig.existing import ExistingDatablock
from ..rig.plan import CurvePlan, resting_value
from .controls import write_channel
from .tags import BEFORE_PROPERTY, our_actions, record

_ROTATIONS = {"QUATERNION": ("rotation_quaternion", 4), "AXIS_ANGLE": ("rotation_axis_angle", 4)}
_VALUES, _RANGES = "values", "ranges"


def key_values(keys: Any, existing: ExistingDatablock) -> dict[tuple[str, int], float]:
    """Every shape key's resting value that does not come from animation."""
    found = {(key_path(block.name), 0): float(block.value) for block in keys.key_blocks}
    return without_animation(found, keys, existing)


def bone_values(armature: Any, bones: list[str], existing: ExistingDatablock) -> dict[tuple[str, int], float]:
    """The resting rotation of the named bones, channel by channel."""
    found: dict[tuple[str, int], float] = {}
    for name in bones:
        bone = armature.pose.bones.get(name)
        if bone is None:
            continue
        field, count = _ROTATIONS.get(bone.rotation_mode, ("rotation_euler", 3))
        found.update({(bone_path(name, field), i): float(getattr(bone, field)[i]) for i in range(count)})
    return without_animation(found, armature, existing)


def values_before(plan: CurvePlan, owners: dict[str, Any]) -> dict[str, Any]:
    """For each datablock the values and slider ranges that Clear will put back, as JSON can hold them."""
    before: dict[str, Any] = {}
    for datablock, owner in owners.items():
        known = recorded(owner)
        # teeth may rest otherwise than the face that they go with
        apart = part_object(datablock) is not None
        values = {
            f"{c.path}[{c.index}]": _key_value(owner, c.path) if apart else resting_value(plan.rest, c.path, c.index)
            for c in plan.curves_of(datablock)
        }
        ranges = {
            slider.key_name: [
                owner.key_blocks[slider.key_name].slider_min,
                owner.key_blocks[slider.key_name].slider_max,
            ]
            for slider in plan.widen
            if slider.datablock == datablock
        }
        before[datablock] = {
            _VALUES: {**values, **known.get(_VALUES, {})},
            _RANGES: {**ranges, **known.get(_RANGES, {})},
        }
    return before


def _key_value(keys: Any, path: str) -> float:
    return float(keys.path_resolve(path))


def recorded_value(owner: Any, path: str) -> float:
    """A shape key's resting value: as our lines have noted, else none."""
    return float(recorded(owner)[_VALUES].get(f"{path}[0]", 0.0))


def recorded(owner: Any) -> dict[str, dict[str, Any]]:
    """What our lines on the datablock have noted, the earliest note first in line."""
    found: dict[str, dict[str, Any]] = {_VALUES: {}, _RANGES: {}}
    for action in our_actions(owner):
        for block in record(action, BEFORE_PROPERTY).values():
            for kind in found:
                for name, value in block.get(kind, {}).items():
                    if _belongs(owner, kind, name):
                        found[kind].setdefault(name, value)
    return found


def put_back(owner: Any, before: dict[str, dict[str, Any]], paths: set[str], animated: frozenset[str]) -> None:
    """Set what our ``paths`` moved, and slider ranges, as they were, but for what something else animates.

    A rotation of which an earlier version noted nothing goes to no rotation, a key to zero.
    """
    noted = {name.rsplit("[", 1)[0] for name in before[_VALUES]}
    for path in paths - noted - animated:
        for index in range(_size(owner, path)):
            _set(owner, path, index, rest_value(path, index))
    for name, value in before[_VALUES].items():
        path, number = name.rsplit("[", 1)
        if path not in animated:
            _set(owner, path, int(number.rstrip("]")), float(value))
    for name, (low, high) in before[_RANGES].items():
        if name in owner.key_blocks and key_path(name) not in animated:
            owner.key_blocks[name].slider_min, owner.key_blocks[name].slider_max = low, high
    owner.update_tag()


def _set(owner: Any, path: str, index: int, value: float) -> None:
    if found := KEY_PATH.match(path):
        block = owner.key_blocks.get(unquoted(found[1]))
        if block is not None:
            block.value = value
    elif found := BONE_PATH.match(path):
        bone = owner.pose.bones.get(unquoted(found[1]))
        if bone is not None:
            getattr(bone, found[2])[index] = value
    elif path.startswith(("pose.", "[")):
        write_channel(owner, path, index, value)


def _size(owner: Any, path: str) -> int:
    found = BONE_PATH.match(path)
    bone = owner.pose.bones.get(unquoted(found[1])) if found is not None and not KEY_PATH.match(path) else None
    return 1 if found is None else 0 if bone is None else len(getattr(bone, found[2]))


def _belongs(owner: Any, kind: str, name: str) -> bool:
    of_key = not name.startswith(("pose.", "["))
    return of_key == isinstance(owner, bpy.types.Key) and (kind == _VALUES or of_key)


def without_animation(
    found: dict[tuple[str, int], float], owner: Any, existing: ExistingDatablock
) -> dict[tuple[str, int], float]:
    """Resting values: what our lines have noted counts, what an artist's animation makes does not."""
    known = recorded(owner)[_VALUES]
    others = [s.action for track in existing.tracks for s in track.strips if not s.action.tagged]
    if existing.action is not None and not existing.action.tagged:
        others.append(existing.action)
    animated = frozenset().union(*(action.paths for action in others))
    ours = frozenset().union(*(action.paths for action in existing.lines()))
    rest = {}
    for (path, index), value in found.items():
        name = f"{path}[{index}]"
        if name in known:
            rest[path, index] = float(known[name])
        elif path not in animated and path not in ours:
            rest[path, index] = value
    return rest
