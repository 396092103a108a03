# SPDX-License-Identifier: GPL-3.0-or-later
"""Try It: from an empty scene to a talking head with one button."""

from __future__ import annotations

import bpy

from .engine_access import has_engine
from .generate import first_keys, generate_line
from .pick import clear_strips
from .properties import MimeshSettings, run_state, scene_settings
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory

_KEPT = ("target", "speech_kind", "speech_strip", "speech_file", "reference_kind", "reference_strip")


class MIMESH_OT_try_it(SteppedOperator, bpy.types.Operator):
    """Let a head talk: adds what the scene lacks (demo head, speech, reference), generates and plays. About half a minute the first time, and one Ctrl+Z takes it all back"""  # noqa: E501

    bl_idname = "mimesh.try_it"
    bl_label = "Try It"
    bl_options = {"UNDO"}

    task = "Try It"
    _played = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs the engine and Object Mode."""
        if run_state(context).running:
            cls.poll_message_set(f"{run_state(context).task} is running.")
        elif not has_engine(context):
            cls.poll_message_set("Press Set Up first: the engine makes the motion.")
        elif context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
        else:
            return True
        return False

    def start(self, context: bpy.types.Context) -> Steps:
        """Add, generate; what was added goes again where that fails."""
        from ..core.blender.first_try import Added

        scene, settings = context.scene, scene_settings(context)
        assert scene is not None
        added = Added(scene, frame_end=scene.frame_end)
        before = {name: getattr(settings, name) for name in _KEPT}
        done = False
        try:
            fill_in(scene, settings, added)
            show_head(context, settings.target)
            self._first = first_keys(self)
            told = yield from generate_line(context, self, self._first)
            done = True
        finally:
            if not done:
                for name, value in before.items():
                    setattr(settings, name, value)
                added.take_back()
        return told

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """As every run; it is played from its first version on, while the person is still being learnt."""
        result = super().modal(context, event)
        first = getattr(self, "_first", None)
        if not self._played and (result == {"FINISHED"} or (first is not None and first.on_the_face)):
            self._played = True
            if not context.screen.is_animation_playing:
                context.scene.frame_set(context.scene.frame_start)
                bpy.ops.screen.animation_play()
        elif self._played and result == {"CANCELLED"} and context.screen.is_animation_playing:
            bpy.ops.screen.animation_cancel(restore_frame=False)
        return result


def fill_in(scene: bpy.types.Scene, settings: MimeshSettings, added: object) -> None:
    """Choose the demo's face, speech and reference where the user has chosen none, nor put any into the Sequencer."""
    from ..core.blender import first_try
    from ..core.blender.compat import strip_right

    for role, strip in zip(("speech", "reference"), clear_strips(scene), strict=True):
        if strip is not None and not _chosen(settings, role):
            setattr(settings, f"{role}_kind", "strip")
            setattr(settings, f"{role}_strip", strip.name)
            if role == "speech":
                scene.frame_end = max(scene.frame_end, round(strip_right(strip)))
    if settings.target is None:
        settings.target = first_try.add_head(scene, added)
    if not _chosen(settings, "speech"):
        strip = first_try.add_strip(scene, first_try.SPEECH, "speech", added)
        if strip:
            settings.speech_kind, settings.speech_strip = "strip", strip
        else:
            settings.speech_kind, settings.speech_file = "file", str(first_try.SPEECH)
    if not _chosen(settings, "reference"):
        settings.reference_kind = "strip"
        settings.reference_strip = first_try.add_strip(scene, first_try.REFERENCE, "reference", added)
    scene.sync_mode = "AUDIO_SYNC"


def wants_a_first_try(settings: MimeshSettings) -> bool:
    """Whether nothing is chosen yet, so that the panel offers it."""
    return settings.target is None or not _chosen(settings, "speech")


def _chosen(settings: MimeshSettings, role: str) -> bool:
    kind = getattr(settings, f"{role}_kind")
    if kind == "none":
        return True
    field = "style_file" if kind == "style" else f"{role}_{kind}"
    return bool(getattr(settings, field, True))


def show_head(context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Turn the 3D Views to the face; nothing to do in the background."""
    for obj in context.view_layer.objects:
        obj.select_set(obj == head)
    context.view_layer.objects.active = head
    window = context.window
    for area in window.screen.areas if window else ():
        region = next((region for region in area.regions if region.type == "WINDOW"), None)
        if area.type != "VIEW_3D" or region is None:
            continue
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_axis(type="FRONT")
            bpy.ops.view3d.view_selected()


register, unregister = classes_factory((MIMESH_OT_try_it,))
