# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about what is said."""

from __future__ import annotations

import bpy

from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from .places import TRANSLATION_CONTEXT, InSequencer, InView3D, Order, PanelPart
from .words import draw_choice, room, ui_scale

# what an empty field asks for
_ASKED = {"strip": "Strip with the voice", "file": "Sound or film", "channel": ""}
# room for "Track" and its number, and where it still leaves the name enough
_TRACK_UNITS, _BESIDE_PIXELS = 5.0, 280


class _Speech(PanelPart):
    bl_label = "Speech"
    bl_order = Order.SPEECH

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Fills in all three sources at once."""
        layout: bpy.types.UILayout = self.layout
        layout.enabled = not run_state(context).running
        layout.operator("mimesh.pick_sources", text="", icon="EYEDROPPER", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        """Where the speech is."""
        settings = scene_settings(context)
        column = self.layout.column(align=True)
        column.enabled = not run_state(context).running
        draw_choice(column, settings, "speech_kind", context)
        if settings.speech_kind == "strips":
            for name in settings.speech_strips.splitlines():
                column.label(text=name, icon="SOUND")
            column.operator("mimesh.use_selected_strips", icon="RESTRICT_SELECT_OFF")
        else:
            row = column.row(align=True)
            row.prop(settings, f"speech_{settings.speech_kind}", text="", placeholder=_ASKED[settings.speech_kind])
            if settings.speech_kind in ("strip", "file") and getattr(settings, f"speech_{settings.speech_kind}"):
                # the sound track's number, where a file has several
                number = column if room(context) < _BESIDE_PIXELS * ui_scale(context) else row.row(align=True)
                if number is not column:
                    number.ui_units_x = _TRACK_UNITS
                number.prop(settings, "speech_track", text="Track", text_ctxt=TRANSLATION_CONTEXT)


class MIMESH_PT_speech(_Speech, InView3D, bpy.types.Panel):
    """What the character says"""

    bl_idname = "MIMESH_PT_speech"


class MIMESH_PT_sequencer_speech(_Speech, InSequencer, bpy.types.Panel):
    """What the character says"""

    bl_idname = "MIMESH_PT_sequencer_speech"


register, unregister = classes_factory((MIMESH_PT_speech, MIMESH_PT_sequencer_speech))
