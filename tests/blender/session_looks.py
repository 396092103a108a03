# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session's steps may change, and what an artist does by hand in it. No pytest: a real window uses it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from tests.blender.fake_engine import part
from tests.blender.line_keys import line_curves, line_digest

# of the artist's keys, so that they can be found again
MARK = "EXTREME"
FACES = ("Anna", "Ben")


def states() -> dict[str, str]:
    """The state of each line of the sheet, by its sound."""
    found = part("operators.sheet_watch").refresh_states(bpy.context)
    return {item.source: s.state for item, s in zip(bpy.context.scene.mimesh_sheet.lines, found, strict=True)}


def look_at_lines(names: Sequence[str]) -> dict[str, Any]:
    """All that a step may change: keys, sliders, the artist's keys, states, strips of the NLA."""
    adjust, kept = part("core.blender.adjust_record"), part("core.blender.kept")
    faces = [bpy.data.objects[name] for name in FACES]
    return {
        "keys": {name: line_digest(name) for name in names},
        "sliders": {
            line.line.sound: adjust.line_adjust(line).to_json() for face in faces for line in kept.kept_lines(face)
        },
        "theirs": {name: artists_keys(name) for name in names},
        "states": states(),
        "strips": [
            [face.name, track.name, strip.name, round(strip.frame_start, 2), round(strip.frame_end, 2), strip.mute]
            for face in faces
            for track in (face.data.shape_keys.animation_data.nla_tracks if _animated(face) else ())
            for strip in track.strips
        ],
    }


def artists_keys(name: str) -> list[list[Any]]:
    """Curve, frame and value of each key that is marked as the artist's."""
    return [
        [curve.data_path, curve.array_index, round(key.co[0], 2), round(key.co[1], 5)]
        for curve in line_curves(name)
        for key in curve.keyframe_points
        if key.type == MARK
    ]


def edit_keys(name: str, count: int, at: int) -> None:
    """Move some keys of a line by hand, one on each of some curves."""
    for curve in line_curves(name)[2 : 2 + count]:
        key = curve.keyframe_points[at]
        key.co[1] += 0.25
        key.type = MARK
        curve.update()


def _animated(face: Any) -> bool:
    return face.data.shape_keys.animation_data is not None
