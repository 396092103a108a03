# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu of presets in a panel's title."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..operators.presets import PRESET_FOLDER, MIMESH_OT_add_preset
from ..operators.stubs import classes_factory


class MIMESH_PT_presets(PresetPanel, bpy.types.Panel):
    """Settings of a run under a name; speech, reference and face are not among them"""

    bl_label = "Lip Sync Presets"
    preset_subdir = PRESET_FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = MIMESH_OT_add_preset.bl_idname


register, unregister = classes_factory((MIMESH_PT_presets,))
