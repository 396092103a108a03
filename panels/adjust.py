# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel about what is done with the keys after a run."""

from __future__ import annotations

import bpy

from ..operators.properties import run_state
from ..operators.stubs import classes_factory
from .places import InView3D, Order


class MIMESH_PT_adjust(InView3D, bpy.types.Panel):
    """Change what was generated, or take it away"""

    bl_idname = "MIMESH_PT_adjust"
    bl_label = "Adjust"
    bl_order = Order.ADJUST
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What works on keys that are there."""
        column = self.layout.column(align=True)
        column.enabled = not run_state(context).running
        column.operator("mimesh.regenerate_head", icon="FILE_REFRESH")
        column.operator("mimesh.clear_animation", icon="X")


register, unregister = classes_factory((MIMESH_PT_adjust,))
