# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the settings of a run, as Blender keeps them: a small Python file for each."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from bl_operators.presets import AddPresetBase

from ..core.settings_schema import setting_fields
from .properties import GROUPS
from .stubs import classes_factory

PRESET_FOLDER = "mimesh/lip_sync"
# what belongs to this computer rather than to a way of talking
_OF_THE_MACHINE = {"device", "bank"}


class MIMESH_OT_add_preset(AddPresetBase, bpy.types.Operator):  # type: ignore[misc]
    """Keep the present settings as a preset, or remove one"""

    bl_idname = "mimesh.add_preset"
    bl_label = "Add Lip Sync Preset"
    preset_menu = "MIMESH_PT_presets"
    preset_subdir = PRESET_FOLDER
    # no preset_defines: short names fail in Blender 4.3 with the Python 3.13 of Linux distributions

    @property
    def preset_values(self) -> list[str]:
        """Each setting's place, as Blender writes it into the file."""
        return list(_settings_of_a_run())


def _settings_of_a_run() -> Iterator[str]:
    for group in GROUPS:
        for item in setting_fields(group):
            if item.setting.offered and item.name not in _OF_THE_MACHINE:
                yield f"bpy.context.scene.mimesh.{item.prop}"


register, unregister = classes_factory((MIMESH_OT_add_preset,))
