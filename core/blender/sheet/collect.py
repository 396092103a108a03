# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills the sheet from the edit: a line for each sound strip, its character told by the channel. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ...exchange.sheet import SheetLine
from ..strips.place import StripPlace, places, scenes_to_search
from .properties import fill_item, line_of, scene_sheet


def collect_lines(scene: bpy.types.Scene, selected_only: bool = False) -> int:
    """Add every sound strip of the edit that no line names yet; returns how many were added."""
    known = {line.source for line in map(line_of, scene_sheet(scene).lines) if line.kind == "strip"}
    found = [p for p in _edit(scene) if p.strip.name not in known and (p.strip.select or not selected_only)]
    sheet = scene_sheet(scene)
    for place in found:
        pattern = _same_channel(scene, place.strip.channel)
        name = pattern.character if pattern else _character(scene, place)
        line = SheetLine(
            "strip",
            place.strip.name,
            character=name,
            engine=pattern.engine if pattern else "",
            style=pattern.style if pattern else "",
        )
        fill_item(sheet.lines.add(), line, scene)
    sort_lines(scene)
    return len(found)


def assign_channel(scene: bpy.types.Scene, line: SheetLine) -> int:
    """Give all lines on the channel of this line its character, style and engine; returns how many changed."""
    channels = _channels(scene)
    changed = 0
    for item in scene_sheet(scene).lines:
        other = line_of(item)
        same = other.kind == "strip" and channels.get(other.source) == channels.get(line.source)
        if same and (other.character, other.style, other.engine) != (line.character, line.style, line.engine):
            wanted = SheetLine("strip", other.source, line.character, line.engine, line.style, other.note)
            fill_item(item, wanted, scene)
            item.locked = other.locked
            changed += 1
    return changed


def sort_lines(scene: bpy.types.Scene) -> None:
    """Put the lines in the order of the edit; the active one stays active."""
    sheet = scene_sheet(scene)
    begins = {place.strip.name: place.span[0] for place in reversed(_edit(scene))}

    def begin(item: Any) -> float:
        return float(item.first_frame) if item.kind == "file" else begins.get(item.source, float("inf"))

    active = sheet.active
    for end in range(1, len(sheet.lines)):
        target = end
        while target > 0 and begin(sheet.lines[target - 1]) > begin(sheet.lines[end]):
            target -= 1
        if target != end:
            sheet.lines.move(end, target)
            active = target if active == end else active + 1 if target <= active < end else active
    sheet.active = active


def _edit(scene: bpy.types.Scene) -> list[StripPlace]:
    """The sound strips of the scene that the edit lies in: this one, or the one that the sequencer shows."""
    for searched in scenes_to_search(scene):
        found = [place for place in places(searched) if place.strip.type == "SOUND" and not place.metas]
        if found:
            return sorted(found, key=lambda place: (place.span[0], place.strip.channel))
    return []


def _channels(scene: bpy.types.Scene) -> dict[str, int]:
    return {place.strip.name: place.strip.channel for place in _edit(scene)}


def _same_channel(scene: bpy.types.Scene, channel: int) -> SheetLine | None:
    """The last line on the channel whose character is known."""
    channels = _channels(scene)
    lines = [line for line in map(line_of, scene_sheet(scene).lines) if line.kind == "strip" and line.character]
    return next((line for line in reversed(lines) if channels.get(line.source) == channel), None)


def _character(scene: bpy.types.Scene, place: StripPlace) -> str:
    """The face called like the channel or in the strip's name, or the only face there is."""
    faces = [obj.name for obj in scene.objects if obj.type == "MESH" and obj.data.shape_keys is not None]
    channels = place.scene.sequence_editor.channels
    channel = channels[place.strip.channel].name if place.strip.channel < len(channels) else ""
    for text in (channel, place.strip.name):
        named = [name for name in faces if name.casefold() in text.casefold()]
        if len(named) == 1:
            return named[0]
    return faces[0] if len(faces) == 1 else ""
