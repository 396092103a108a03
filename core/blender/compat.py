# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that knows one Blender version from another (4.2 LTS to 5.2 LTS)."""

from __future__ import annotations

import functools
from typing import Any

import bpy


def strip_trimmed_frames(strip: Any) -> float:
    """Media frames cut off for good ("hard" trim) before the content start. Renamed in 5.2."""
    return float(strip.content_trim_start if hasattr(strip, "content_trim_start") else strip.animation_offset_start)


def sequencer_strips(scene: bpy.types.Scene) -> list[Any]:
    """All strips of the scene, those inside meta strips too. ``strips_all`` came in 4.4, the old name left in 5.0."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)


def strip_content_start(strip: Any) -> float:
    """Scene frame (fractional) at which the strip's first media frame lies, trimmed or not. Renamed in 5.2."""
    return float(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def strip_left(strip: Any) -> float:
    """First scene frame shown. Renamed in 5.2."""
    return float(strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start)


def strip_right(strip: Any) -> float:
    """Scene frame after the last one shown. Renamed in 5.2."""
    return float(strip.right_handle if hasattr(strip, "right_handle") else strip.frame_final_end)


def set_strip_left(strip: Any, frame: int) -> None:
    """Move the left handle. Renamed in 5.2."""
    setattr(strip, "left_handle" if hasattr(strip, "left_handle") else "frame_final_start", frame)


def set_strip_right(strip: Any, frame: int) -> None:
    """Move the right handle, to the frame after the last one shown. Renamed in 5.2."""
    setattr(strip, "right_handle" if hasattr(strip, "right_handle") else "frame_final_end", frame)


def has_slots(action: bpy.types.Action) -> bool:
    """Actions have slots and layers since 4.4. Only instances tell: the class hides RNA properties."""
    return hasattr(action, "slots")


def assign_action(owner: Any, action: bpy.types.Action) -> Any:
    """Make ``action`` the owner's active one and return the F-curve collection of the owner's slot."""
    return assigned_home(owner, action).fcurves


def assigned_home(owner: Any, action: bpy.types.Action) -> Any:
    """Make ``action`` the owner's active one and return where its F-curves go, with ``fcurves`` and ``groups``."""
    data = owner.animation_data or owner.animation_data_create()
    data.action = action
    if not has_slots(action):
        return action
    slot = _slot_of(owner, action) or action.slots.new(owner.id_type, owner.name)
    data.action_slot = slot
    return _channel_bag(action, slot)


def curve_home(action: bpy.types.Action, owner: Any) -> tuple[Any, Any | None]:
    """Where the owner's F-curves go in an action, with its ``fcurves`` and ``groups``, and its new slot (4.4+)."""
    if not has_slots(action):
        return action, None
    slot = action.slots.new(owner.id_type, owner.name)
    return _channel_bag(action, slot), slot


def new_curve(home: Any, path: str, index: int, group: str) -> bpy.types.FCurve:
    """Add an F-curve in a channel group. The argument's name changed in 5.0, and 4.4/4.5 channel bags lack it."""
    parameters = home.fcurves.bl_rna.functions["new"].parameters
    for argument in ("group_name", "action_group"):
        if argument in parameters:
            return home.fcurves.new(path, index=index, **{argument: group})
    curve = home.fcurves.new(path, index=index)
    curve.group = home.groups.get(group) or home.groups.new(group)
    return curve


def action_curves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """F-curves of all slots."""
    if not has_slots(action):
        return list(action.fcurves)
    return [curve for bag in _channel_bags(action) for curve in bag.fcurves]


def curves_by_slot(action: bpy.types.Action) -> list[list[bpy.types.FCurve]]:
    """F-curves of each slot; before 4.4 all of them together."""
    if not has_slots(action):
        return [list(action.fcurves)]
    return [list(bag.fcurves) for bag in _channel_bags(action)]


def owner_curves(owner: Any) -> list[bpy.types.FCurve]:
    """F-curves that animate ``owner`` through its active action."""
    data = owner.animation_data
    if data is None or data.action is None:
        return []
    if not has_slots(data.action):
        return list(data.action.fcurves)
    handle = data.action_slot_handle
    return [curve for bag in _channel_bags(data.action) if bag.slot_handle == handle for curve in bag.fcurves]


def remove_curve(action: Any, owner: Any, curve: bpy.types.FCurve) -> None:
    """Take an F-curve of the owner's out of its active action."""
    if not has_slots(action):
        action.fcurves.remove(curve)
        return
    handle = owner.animation_data.action_slot_handle
    next(bag for bag in _channel_bags(action) if bag.slot_handle == handle).fcurves.remove(curve)


def strip_curves(strip: Any) -> list[bpy.types.FCurve]:
    """F-curves that an NLA strip plays."""
    if strip.action is None:
        return []
    if not has_slots(strip.action):
        return list(strip.action.fcurves)
    handle = strip.action_slot_handle
    return [curve for bag in _channel_bags(strip.action) if bag.slot_handle == handle for curve in bag.fcurves]


def key_type_code(name: str) -> int:
    """The number of a keyframe type such as GENERATED."""
    return key_code("type", name)


@functools.cache
def key_code(field: str, name: str) -> int:
    """The number of a value of one of a keyframe's enumerations, such as its interpolation or a handle's type."""
    return int(bpy.types.Keyframe.bl_rna.properties[field].enum_items[name].value)  # type: ignore[attr-defined]


def slot_curves(action: Any, slot: Any | None) -> Any:
    """Where the F-curves of a slot are, with ``fcurves`` and ``groups``; the action itself before 4.4."""
    return action if slot is None else _channel_bag(action, slot)


def copied_slot(action: bpy.types.Action, slot: Any | None) -> Any | None:
    """The slot of a copied action that was ``slot`` in the original; None before 4.4."""
    return None if slot is None else next(found for found in action.slots if found.handle == slot.handle)


def remove_slots_but(action: Any, slots: list[Any]) -> None:
    """Leave an action those slots alone; nothing to do before 4.4."""
    if has_slots(action):
        handles = {slot.handle for slot in slots}
        for slot in [slot for slot in action.slots if slot.handle not in handles]:
            action.slots.remove(slot)


def active_slot(owner: Any) -> Any | None:
    """The slot of the owner's active action; None before 4.4."""
    data = owner.animation_data
    return data.action_slot if data is not None and hasattr(data, "action_slot") else None


def set_slot(holder: Any, slot: Any | None) -> None:
    """Set the slot of animation data or of an NLA strip; nothing to do before 4.4."""
    if slot is not None and hasattr(holder, "action_slot"):
        holder.action_slot = slot


def _channel_bag(action: Any, slot: Any) -> Any:
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip: Any = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _channel_bags(action: Any) -> list[Any]:
    # asked of the strip by slot: what is found by going down from the action drags all of its owners along, and each
    # key of its curves is then read five times slower
    strips = [strip for layer in action.layers for strip in layer.strips]
    return [strip.channelbag(bag.slot) for strip in strips for bag in strip.channelbags if bag.slot is not None]


def _slot_of(owner: Any, action: bpy.types.Action) -> Any | None:
    fitting = (s for s in action.slots if s.target_id_type == owner.id_type and s.name_display == owner.name)
    return next(fitting, None)


def strips_of(owner: Any) -> Any:
    """Top strips of a sequence editor or a meta strip. ``strips`` came in 4.4, the old name left in 5.0."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def strip_left_offset(strip: Any) -> float:
    """Frames between the content's start and the left handle. Renamed in 5.2."""
    return float(strip.left_handle_offset if hasattr(strip, "left_handle_offset") else strip.frame_offset_start)


def strip_right_offset(strip: Any) -> float:
    """Frames between the right handle and the content's end. Renamed in 5.2."""
    return float(strip.right_handle_offset if hasattr(strip, "right_handle_offset") else strip.frame_offset_end)


def strip_media_frames(strip: Any) -> float:
    """Scene frames that the strip's content lasts with its handles at its ends.

    ``frame_duration`` does not know a movie's playback rate before 4.5.
    """
    shown = strip_right(strip) - strip_left(strip)
    return shown + strip_left_offset(strip) + strip_right_offset(strip)
