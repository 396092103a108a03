# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of lines in the open file, as digests. No pytest: a session in a real window uses it too."""

from __future__ import annotations

import hashlib
from typing import Any

import bpy
import numpy as np

from tests.blender.fake_engine import part


def line_actions(name: str) -> list[Any]:
    """Our actions of the line for this sound."""
    read = part("core.blender.read_animation")
    return [a for a in bpy.data.actions if "mimesh" in a and read.action_line(a).sound == name]


def line_curves(name: str) -> list[Any]:
    """All curves of a line, in the order of their names: those of actions change when one is made anew."""
    compat = part("core.blender.compat")
    curves = [curve for action in line_actions(name) for curve in compat.action_curves(action)]
    return sorted(curves, key=lambda curve: (curve.data_path, curve.array_index))


def line_keys(name: str) -> tuple[list[str], Any]:
    """Every key of a line: its curve and type, and (n, 4) frame, value and the handles' values."""
    names, values = [], []
    for curve in line_curves(name):
        for key in curve.keyframe_points:
            names.append(f"{curve.data_path}[{curve.array_index}] {key.type}")
            values.append([*key.co, key.handle_left[1], key.handle_right[1]])
    return names, np.array(values)


def line_digest(name: str) -> str:
    """Of every key of a line, its handles and its type."""
    names, values = line_keys(name)
    return hashlib.sha256("".join(names).encode() + values.astype(np.float32).tobytes()).hexdigest()


def keys_between(name: str, first: float, last: float) -> tuple[str, str]:
    """Digests of a line's keys outside and inside of some frames."""
    outside, inside = hashlib.sha256(), hashlib.sha256()
    for curve in line_curves(name):
        for key in curve.keyframe_points:
            text = f"{curve.data_path}[{curve.array_index}] {key.co[0]:.2f} {key.co[1]:.5f}"
            (inside if first <= key.co[0] <= last else outside).update(text.encode())
    return outside.hexdigest(), inside.hexdigest()
