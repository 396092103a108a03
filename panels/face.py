# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about which mesh talks; what drives what on it is in ``panels.face_rig``."""

from __future__ import annotations

import bpy

from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from .places import InSequencer, InView3D, Order, PanelPart


class _Face(PanelPart):
    bl_label = "Face"
    bl_order = Order.FACE

    def draw(self, context: bpy.types.Context) -> None:
        """The mesh, or a head to begin with."""
        settings = scene_settings(context)
        column = self.layout.column(align=True)
        column.enabled = not run_state(context).running
        column.prop(settings, "target", text="", icon="MESH_MONKEY")
        if settings.target is None:
            column.operator("mimesh.add_demo_head", icon="ADD")


class MIMESH_PT_face(_Face, InView3D, bpy.types.Panel):
    """The mesh whose keys are written"""

    bl_idname = "MIMESH_PT_face"


class MIMESH_PT_sequencer_face(_Face, InSequencer, bpy.types.Panel):
    """The mesh whose keys are written"""

    bl_idname = "MIMESH_PT_sequencer_face"


register, unregister = classes_factory((MIMESH_PT_face, MIMESH_PT_sequencer_face))
