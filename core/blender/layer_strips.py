# SPDX-License-Identifier: GPL-3.0-or-later
"""The NLA strips of lines that are in layers: found by their actions, and how much of each shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy

from ..face_parts import PARTS
from ..rig.existing import Line
from .read_animation import action_line, line_owners
from .tags import LAYER_CURVES_PROPERTY, LAYER_PROPERTY, is_layer

# the part of a strip that shows rest below the others
REST = "rest"


@dataclass(frozen=True, slots=True)
class LayerStrip:
    """A strip of one part of a line on a datablock."""

    owner: Any
    track: Any
    strip: Any
    part: str
    line: Line

    def curves(self) -> list[tuple[str, int]]:
        """Paths and indices of what was put into the layer, whether the artist has removed it or not."""
        noted = json.loads(str(self.strip.action.get(LAYER_CURVES_PROPERTY, "[]")))
        return [(str(path), int(index)) for path, index in noted]


def layer_strips(obj: bpy.types.Object) -> list[LayerStrip]:
    """Every layer of the face's lines."""
    return [
        LayerStrip(owner, track, strip, str(strip.action[LAYER_PROPERTY]), action_line(strip.action))
        for owner in line_owners(obj)
        for track in (owner.animation_data.nla_tracks if owner.animation_data is not None else ())
        for strip in track.strips
        if is_layer(strip.action) and action_line(strip.action).face in ("", obj.name)
    ]


def parts_of_line(obj: bpy.types.Object, line: Line) -> dict[str, list[LayerStrip]]:
    """The layers of a line by their part, without the rest below them."""
    found: dict[str, list[LayerStrip]] = {}
    for layer in layer_strips(obj):
        if layer.line == line and layer.part != REST:
            found.setdefault(layer.part, []).append(layer)
    return {part: found[part] for part in PARTS if part in found}


def influence_of(strip: Any) -> float:
    """How much of a layer shows at the present frame."""
    if not strip.use_animated_influence:
        # all of it, whatever Blender's value is: 0 until it has evaluated the strip
        return 1.0
    scene = bpy.context.scene
    curve = strip.fcurves.find("influence")
    if curve is None or scene is None or curve.is_empty:
        return float(strip.influence)
    return float(curve.evaluate(scene.frame_current))


def set_influence(strip: Any, value: float) -> None:
    """Show so much of a layer: all along, or at the present frame where the artist has keyed it."""
    strip.use_animated_influence = True
    strip.influence = value
    curve, scene = strip.fcurves.find("influence"), bpy.context.scene
    if curve is None or scene is None:
        return
    points = curve.keyframe_points
    if len(points) <= 1:
        if not len(points):
            points.insert(strip.frame_start, value)
        points[0].co[1] = value
    else:
        points.insert(scene.frame_current, value)
    curve.update()
