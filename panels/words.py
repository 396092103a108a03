# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels share: their tab, and sentences broken to its width."""

from __future__ import annotations

from typing import Any

import bpy

CATEGORY = "Mimesh"
_WRAP_CHARACTERS_PER_PIXEL = 1 / 7.0


def draw_words(layout: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: Any = "NONE") -> None:
    """A sentence, broken into labels that fit the region's width; ``icon`` is one of Blender's names."""
    scale = context.preferences.system.ui_scale
    width = max(int(context.region.width / scale * _WRAP_CHARACTERS_PER_PIXEL) - 6, 16)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(wrap(text, width)):
        column.label(text=line, icon="BLANK1" if index and icon != "NONE" else icon)


def wrap(text: str, width: int) -> list[str]:
    """Break at spaces; a longer word stays whole."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
