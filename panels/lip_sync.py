# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel that the sub-panels hang on, in the 3D View and in the Sequencer, with the presets in its title."""

from __future__ import annotations

import bpy

from ..operators.stubs import classes_factory
from .places import CATEGORY, PanelPart
from .presets import MIMESH_PT_presets


class _LipSync(PanelPart):
    bl_label = "Lip Sync"
    bl_region_type = "UI"
    bl_category = CATEGORY

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """All settings of a run under a name."""
        MIMESH_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """Everything is in the sub-panels."""


class MIMESH_PT_lip_sync(_LipSync, bpy.types.Panel):
    """Speech and a person's way of talking in, a talking face out"""

    bl_idname = "MIMESH_PT_lip_sync"
    bl_space_type = "VIEW_3D"


class MIMESH_PT_sequencer_lip_sync(_LipSync, bpy.types.Panel):
    """Speech and a person's way of talking in, a talking face out"""

    bl_idname = "MIMESH_PT_sequencer_lip_sync"
    bl_space_type = "SEQUENCE_EDITOR"


register, unregister = classes_factory((MIMESH_PT_lip_sync, MIMESH_PT_sequencer_lip_sync))
