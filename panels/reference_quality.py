# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows about the reference clip: which sound and whom of several, and a bar with the reasons for what is left out."""

from __future__ import annotations

import bpy

from ..operators.check_reference import reference_bar
from ..operators.properties import MimeshSettings, run_state
from ..operators.reference_picture import picture_icon, picture_path
from .places import TRANSLATION_CONTEXT
from .words import draw_words, room, ui_scale

# narrower ones would be rounded away
_CELL_PIXELS = 7
_MOST_CELLS = 60
_BAR_HEIGHT = 0.6
_PICTURE_SCALE = 9.0


def draw_clip_choices(layout: bpy.types.UILayout, settings: MimeshSettings) -> None:
    """What to take of a clip that has several; 0 leaves it to Mimesh."""
    row = layout.row(align=True)
    # Blender's own "Track" is a verb in other languages
    row.prop(settings, "reference_person", text="Person", text_ctxt=TRANSLATION_CONTEXT)
    row.prop(settings, "reference_track", text="Track", text_ctxt=TRANSLATION_CONTEXT)
    row.operator("mimesh.check_reference", text="", icon="VIEWZOOM")


def draw_quality(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What was seen of the clip of the last run: green is used, grey would do, orange has a flaw that is named."""
    fitting = min(room(context) / (_CELL_PIXELS * ui_scale(context)), _MOST_CELLS)
    bar = reference_bar(context, int(fitting))
    if bar is None:
        return
    box = layout.box().column(align=True)
    draw_words(box, bar.title, context)
    row = box.row(align=True)
    row.scale_y = _BAR_HEIGHT
    # a colour's button fills its share of the row at every width and scale; icons have a width of their own
    for cell in bar.cells:
        row.prop(run_state(context), f"colour_{cell}", text="")
    for sentence in bar.reasons:
        draw_words(box, sentence, context, icon="DOT")
    icon = picture_icon(run_state(context).quality)
    if icon:
        box.template_icon(icon, scale=_PICTURE_SCALE)
        opened = box.operator("wm.path_open", text="Open Picture", icon="IMAGE_DATA")
        opened.filepath = str(picture_path())
