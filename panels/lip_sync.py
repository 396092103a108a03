# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel that the sub-panels hang on, in the 3D View and in the Sequencer, with the presets in its title."""

from __future__ import annotations

import bpy

from ..operators.engine_access import has_engine
from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from ..operators.try_it import wants_a_first_try
from .engine import draw_offline
from .places import CATEGORY, PanelPart
from .presets import MIMESH_PT_presets
from .words import draw_words


class _LipSync(PanelPart):
    bl_label = "Lip Sync"
    bl_region_type = "UI"
    bl_category = CATEGORY

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """All settings of a run under a name."""
        MIMESH_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """What a first try needs, in this place; all else is in the sub-panels."""
        layout: bpy.types.UILayout = self.layout
        if not wants_a_first_try(scene_settings(context)) or run_state(context).running:
            return
        if not has_engine(context):
            draw_words(layout, "First the engine: it makes the motion, on this computer.", context)
            layout.operator("mimesh.setup_engine", icon="IMPORT")
            draw_offline(layout, context)
        row = layout.row()
        row.scale_y = 1.4
        row.operator("mimesh.try_it", icon="PLAY")


class MIMESH_PT_lip_sync(_LipSync, bpy.types.Panel):
    """Speech and a person's way of talking in, a talking face out"""

    bl_idname = "MIMESH_PT_lip_sync"
    bl_space_type = "VIEW_3D"


class MIMESH_PT_sequencer_lip_sync(_LipSync, bpy.types.Panel):
    """Speech and a person's way of talking in, a talking face out"""

    bl_idname = "MIMESH_PT_sequencer_lip_sync"
    bl_space_type = "SEQUENCE_EDITOR"


register, unregister = classes_factory((MIMESH_PT_lip_sync, MIMESH_PT_sequencer_lip_sync))
