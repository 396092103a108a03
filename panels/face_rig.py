# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about the face's rig: what Mimesh found in it, and what the artist says about it."""

from __future__ import annotations

import bpy

from ..operators.face_rig import BONE_ROLES
from ..operators.properties import run_state, scene_settings
from ..operators.stubs import classes_factory
from .places import InView3D
from .words import draw_words


class MIMESH_PT_face_rig(InView3D, bpy.types.Panel):
    """Which keys and bones carry the face"""

    bl_label = "What Drives What"
    bl_idname = "MIMESH_PT_face_rig"
    bl_parent_id = "MIMESH_PT_face"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The check, what it said, and the fields that correct it."""
        layout: bpy.types.UILayout = self.layout
        target, run = scene_settings(context).target, run_state(context)
        row = layout.row(align=True)
        row.operator("mimesh.check_face_rig", icon="VIEWZOOM")
        row.operator("mimesh.find_landmarks", text="", icon="MESH_GRID")
        if run.rig_report:
            words = layout.box().column()
            for line in run.rig_report.splitlines():
                draw_words(words, line, context)
        if target is None:
            return
        column = layout.column(align=True)
        column.enabled = not run.running
        for role in BONE_ROLES:
            row = column.split(factor=0.36, align=True)
            row.label(text=target.mimesh_face_rig.bl_rna.properties[role].name.removesuffix(" Bone"))
            row.prop(target.mimesh_face_rig, role, text="", icon="BONE_DATA", placeholder="Automatic")
        layout.operator("mimesh.name_face_key", icon="SHAPEKEY_DATA")


register, unregister = classes_factory((MIMESH_PT_face_rig,))
