# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in a sidebar: measured in the user's own font, and broken or stacked where they would be cut."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import blf
import bpy

from ..operators.sentences import translated

# of a panel in a sidebar, at 1x: the column of tabs, the margins on both sides, the scroll bar
_MARGINS_PIXELS = 62
_ICON_PIXELS = 22
_BUTTON_PADDING_PIXELS = 16
# what Blender leaves a label to the left of its field where rows are split
_SPLIT_SHARE = 0.41
_FONT = 0


def draw_words(layout: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: Any = "NONE") -> None:
    """A sentence, broken into labels that fit the region's width; ``icon`` is one of Blender's names."""
    # before it is broken into lines, which nobody could look up
    text = translated(text)
    left = room(context) - (_ICON_PIXELS * ui_scale(context) if icon != "NONE" else 0)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for index, line in enumerate(wrap(text, left, context)):
        column.label(text=line, icon="BLANK1" if index and icon != "NONE" else icon)


def draw_choice(layout: bpy.types.UILayout, owner: Any, name: str, context: bpy.types.Context) -> None:
    """The choices of an enum side by side; as a menu where the region is too narrow for them."""
    labels = [translated(item.name) for item in owner.bl_rna.properties[name].enum_items]
    padding = _BUTTON_PADDING_PIXELS * ui_scale(context)
    # buttons in a row are equally wide
    if len(labels) * (max(text_width(label, context) for label in labels) + padding) <= room(context):
        layout.row(align=True).prop(owner, name, expand=True)
    else:
        layout.prop(owner, name, text="")


def fit_beside(labels: Iterable[str], context: bpy.types.Context) -> bool:
    """Whether labels stand whole to the left of their fields (``use_property_split``); else they go into them."""
    widest = max((text_width(translated(label), context) for label in labels), default=0.0)
    return widest <= _SPLIT_SHARE * room(context)


def shortened(text: str, width: float, context: bpy.types.Context) -> str:
    """A name within so many pixels: its middle goes, because names differ at their ends."""
    if text_width(text, context) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept // 2
        short = f"{text[: kept - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"
        if text_width(short, context) <= width:
            return short
    return "…"


def room(context: bpy.types.Context) -> float:
    """Pixels between the margins of a panel in this region; without one (in the background) as many as wanted."""
    if context.region is None:
        return float("inf")
    return max(context.region.width - _MARGINS_PIXELS * ui_scale(context), 80.0 * ui_scale(context))


def ui_scale(context: bpy.types.Context) -> float:
    """How much larger than designed the window is drawn; 1 in the background, where Blender says 0."""
    return context.preferences.system.ui_scale or 1.0


def text_width(text: str, context: bpy.types.Context) -> float:
    """Pixels of a label in the font and size of the present preferences."""
    # of the preferences as they are: a font is the same for every region
    points = bpy.context.preferences.ui_styles[0].widget.points
    return _measured(text, points * ui_scale(context))


@functools.lru_cache(maxsize=4096)
def _measured(text: str, size: float) -> float:
    blf.size(_FONT, size)
    return float(blf.dimensions(_FONT, text)[0])


def wrap(text: str, width: float, context: bpy.types.Context) -> list[str]:
    """Break at spaces so that each line is at most ``width`` pixels; a longer word is broken inside."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if text_width(joined, context) <= width:
            lines[-1] = joined
            continue
        *whole, rest = _broken(word, width, context)
        lines += [*whole, rest]
    return [line for line in lines if line] or [""]


def _broken(word: str, width: float, context: bpy.types.Context) -> list[str]:
    """A word in pieces that fit: sentences in Chinese and Japanese have no spaces, paths neither."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and text_width(pieces[-1] + letter, context) > width:
            pieces.append(letter)
        else:
            pieces[-1] += letter
    return pieces
