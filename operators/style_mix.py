# SPDX-License-Identifier: GPL-3.0-or-later
"""Style over time: the list of styles and the keys of their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .properties import resolve_style, scene_settings
from .stubs import OperatorResult, classes_factory

if TYPE_CHECKING:
    from ..core.blender.style_mix import WeightCurve


def mixed_styles(context: bpy.types.Context) -> tuple[WeightCurve, ...]:
    """The styles of the scene's mix; empty where none is used. Raises :class:`MimeshError`."""
    from ..core.blender.style_mix import read_mix

    return read_mix(context.scene, resolve_style)


class MIMESH_OT_add_mixed_style(bpy.types.Operator):
    """Add a style to the mix; the first one begins with the style that is chosen as the reference"""

    bl_idname = "mimesh.add_mixed_style"
    bl_label = "Add Style"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The first one has all the weight."""
        mix: Any = context.scene.mimesh_style_mix  # type: ignore[union-attr]
        settings = scene_settings(context)
        item = mix.styles.add()
        if len(mix.styles) == 1:
            item.style = settings.style_file if settings.reference_kind == "style" else ""
            item.weight = 1.0
        mix.active, mix.use = len(mix.styles) - 1, True
        return {"FINISHED"}


class MIMESH_OT_remove_mixed_style(bpy.types.Operator):
    """Take the style out of the mix, with the keys of its weight"""

    bl_idname = "mimesh.remove_mixed_style"
    bl_label = "Remove Style"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs one."""
        if not _styles(context):
            cls.poll_message_set("There is no style in the list.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The curves of those below follow them to their new places."""
        from ..core.blender.style_mix import remove_style

        mix: Any = context.scene.mimesh_style_mix  # type: ignore[union-attr]
        remove_style(context.scene, mix.active)
        return {"FINISHED"}


class MIMESH_OT_key_mix(bpy.types.Operator):
    """Key the weights of all styles at the present frame; the chosen one takes all"""

    bl_idname = "mimesh.key_mix"
    bl_label = "Only This Style Here"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs two styles."""
        if len(_styles(context)) < 2:
            cls.poll_message_set("Add two styles first.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Between two such keys the one style passes into the other."""
        mix: Any = context.scene.mimesh_style_mix  # type: ignore[union-attr]
        for index, item in enumerate(mix.styles):
            item.weight = 1.0 if index == mix.active else 0.0
            item.keyframe_insert("weight", frame=context.scene.frame_current)
        return {"FINISHED"}


def _styles(context: bpy.types.Context) -> list[Any]:
    scene: Any = context.scene
    return [] if scene is None else list(scene.mimesh_style_mix.styles)


_CLASSES = (MIMESH_OT_add_mixed_style, MIMESH_OT_remove_mixed_style, MIMESH_OT_key_mix)
_register_classes, _unregister_classes = classes_factory(_CLASSES)


def register() -> None:
    """The mix's properties, then its buttons."""
    from ..core.blender.style_mix_properties import register_style_mix

    register_style_mix()
    _register_classes()


def unregister() -> None:
    """Undo :func:`register`."""
    from ..core.blender.style_mix_properties import unregister_style_mix

    _unregister_classes()
    unregister_style_mix()
