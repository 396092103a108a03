# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells how many curves of each .blend move, as JSON. Run by ``blender -b -P``: no extension is needed."""

from __future__ import annotations

import json
import sys
from typing import Any

import bpy


def curves(action: Any) -> list[Any]:
    """Every curve, in whatever way this Blender keeps them."""
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [
        curve
        for layer in action.layers
        for strip in layer.strips
        for slot in action.slots
        for curve in (getattr(strip.channelbag(slot), "fcurves", None) or ())
    ]


def moving(path: str) -> int:
    """Curves with two different values or more."""
    bpy.ops.wm.open_mainfile(filepath=path)
    found = [curve for action in bpy.data.actions for curve in curves(action)]
    return sum(len({round(point.co[1], 5) for point in curve.keyframe_points}) > 1 for curve in found)


told = {path: moving(path) for path in sys.argv[sys.argv.index("--") + 1 :]}
sys.stdout.write(f"MOVING{json.dumps(told)}\n")
