# SPDX-License-Identifier: GPL-3.0-or-later
"""Pick From Scene: fills the source pickers with what is selected or the only candidate."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.blender.compat import sequencer_strips
from .properties import scene_settings
from .stubs import OperatorResult, classes_factory


class MIMESH_OT_pick_sources(bpy.types.Operator):
    """Fill in the speech strip, the reference strip and the face from what is selected or the only one there"""

    bl_idname = "mimesh.pick_sources"
    bl_label = "Pick From Scene"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Leaves a field alone when there is no clear candidate."""
        settings = scene_settings(context)
        strips = list(sequencer_strips(context.scene))
        speech = _one([strip for strip in strips if strip.type == "SOUND"])
        reference = _one([strip for strip in strips if strip.type == "MOVIE"])
        face = _pick_face(context)
        if speech:
            settings.speech_kind, settings.speech_strip = "strip", speech.name
        if reference:
            settings.reference_kind, settings.reference_strip = "strip", reference.name
        if face:
            settings.target = face
        picked = [thing.name for thing in (speech, reference, face) if thing]
        self.report({"INFO"}, f"Picked {', '.join(picked)}." if picked else "Found nothing clear to pick.")
        return {"FINISHED"}


def _one(strips: list[Any]) -> Any | None:
    """The selected strip, or the only one."""
    selected = [strip for strip in strips if strip.select]
    candidates = selected if len(selected) == 1 else strips
    return candidates[0] if len(candidates) == 1 else None


def _pick_face(context: bpy.types.Context) -> bpy.types.Object | None:
    def has_keys(candidate: bpy.types.Object | None) -> bool:
        return candidate is not None and candidate.type == "MESH" and candidate.data.shape_keys is not None

    active = context.view_layer.objects.active
    if has_keys(active):
        return active
    faces = [candidate for candidate in context.scene.objects if has_keys(candidate)]
    return faces[0] if len(faces) == 1 else None


register, unregister = classes_factory((MIMESH_OT_pick_sources,))
