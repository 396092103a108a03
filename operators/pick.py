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
        speech, reference = clear_strips(context.scene)
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


def clear_strips(scene: Any) -> tuple[Any | None, Any | None]:
    """The sound strip and the movie strip that are selected, or the only ones; None where that is not clear."""
    strips = list(sequencer_strips(scene))
    return _one([strip for strip in strips if strip.type == "SOUND"]), _one(
        [strip for strip in strips if strip.type == "MOVIE"]
    )


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


class MIMESH_OT_use_selected_strips(bpy.types.Operator):
    """Take the selected sound strips of the sequencer together as one character's speech"""

    bl_idname = "mimesh.use_selected_strips"
    bl_label = "Use Selected Strips"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Leaves the choice alone where none is selected."""
        names = selected_sound_strips(context)
        if not names:
            self.report({"WARNING"}, "No sound strip is selected in the sequencer.")
            return {"CANCELLED"}
        settings = scene_settings(context)
        settings.speech_kind, settings.speech_strips = "strips", "\n".join(names)
        return {"FINISHED"}


def selected_sound_strips(context: bpy.types.Context) -> list[str]:
    """Names, in the order of the timeline, of the sequencer that is shown."""
    from ..core.blender.compat import strip_left
    from ..core.blender.strips.place import scenes_to_search

    for scene in scenes_to_search(context.scene)[:2]:
        found = [strip for strip in sequencer_strips(scene) if strip.type == "SOUND" and strip.select]
        if found:
            return [strip.name for strip in sorted(found, key=strip_left)]
    return []


register, unregister = classes_factory((MIMESH_OT_pick_sources, MIMESH_OT_use_selected_strips))
