# SPDX-License-Identifier: GPL-3.0-or-later
"""Where panels stand: the tab's name, the editors that have it, and the order of its sub-panels.

A sub-panel is one file: a class that draws, :class:`InView3D` for the 3D View's sidebar and, where it is of use beside
the strips, a second class with :class:`InSequencer`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import bpy

CATEGORY = "Mimesh"
# of titles: Blender's own "Face" is a polygon in other languages
TRANSLATION_CONTEXT = "Mimesh"


class Order(IntEnum):
    """``bl_order`` of the sub-panels: the order of work. Numbers between are free."""

    SPEECH = 10
    REFERENCE = 20
    FACE = 30
    GENERATE = 40
    ADJUST = 50
    SHEET = 60
    HEAD = 70
    ENGINE = 80


if TYPE_CHECKING:

    class PanelPart(bpy.types.Panel):
        """What several panels share, as the type checker sees it."""
else:

    class PanelPart:
        """What several panels share; no panel itself, because Blender registers classes right below its own."""


class InView3D(PanelPart):
    """A sub-panel of Lip Sync in the 3D View's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_translation_context = TRANSLATION_CONTEXT
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_parent_id = "MIMESH_PT_lip_sync"


class InSequencer(PanelPart):
    """The same in the Sequencer's sidebar."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_translation_context = TRANSLATION_CONTEXT
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_parent_id = "MIMESH_PT_sequencer_lip_sync"
