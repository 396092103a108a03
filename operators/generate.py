# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate Lip Sync, and Cancel."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import bpy

from ..core.settings import EyesSettings, FaceSettings, HeadSettings, RunSettings
from ..core.settings_schema import SettingField, setting_fields
from .engine_access import engine_client, has_engine
from .pose_list import refresh_poses
from .properties import MimeshSettings, busy_reason, freeze_settings, run_state, scene_settings
from .setting_properties import declare_on_operator
from .sheet_watch import file_digests
from .stepping import SteppedOperator, Steps, Told
from .stubs import OperatorResult, classes_factory, explain
from .style_mix import mixed_styles
from .styles import remember_style

if TYPE_CHECKING:
    from ..core.blender.first_keys import FirstKeys

# what is changed after a look at the result, in the redo panel (F9): the group's name and its setting
_REDONE = (
    ("face", FaceSettings, "style_strength"),
    ("head", HeadSettings, "amount"),
    ("eyes", EyesSettings, "blinks"),
    ("run", RunSettings, "seed"),
)


def _redone_fields() -> list[tuple[str, SettingField]]:
    return [
        (name, field) for name, group, wanted in _REDONE for field in setting_fields(group) if field.name == wanted
    ]


class MIMESH_OT_generate_lip_sync(SteppedOperator, bpy.types.Operator):
    """Make the face talk: keys on the face from the speech, in the reference's way of talking. A new reference of ten seconds takes a few seconds: a first version can be played while AdaMesh learns, and is then replaced. A known one takes a second or two. Blender stays usable; one Ctrl+Z takes it back"""  # noqa: E501

    bl_idname = "mimesh.generate_lip_sync"
    bl_label = "Generate Lip Sync"
    bl_options = {"UNDO"}

    task = "Generate Lip Sync"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Decides and explains."""
        reason = generate_disabled_reason(context)
        return explain(cls, reason)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """The redo panel begins with the panel's values."""
        for _, field in _redone_fields():
            name = field.prop.rpartition(".")[2]
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(scene_settings(context), name))
        return super().invoke(context, event)

    def start(self, context: bpy.types.Context) -> Steps:
        """Read, generate, solve, write: see core.blender.session. The sheet knows the line then, too."""
        self._first = first_keys(self)
        told = yield from generate_line(context, self, self._first)
        return told

    def kept_when_stopped(self) -> str:
        """A first version that the artist has worked on."""
        first: FirstKeys | None = getattr(self, "_first", None)
        stays = first.stays() if first is not None else ""
        return f"{self.task} was cancelled. {stays}" if stays else ""


declare_on_operator(MIMESH_OT_generate_lip_sync, [field for _, field in _redone_fields()])


def first_keys(operator: SteppedOperator) -> FirstKeys | None:
    """For a first version of the line, where somebody may look at it: not without a window."""
    from ..core.blender.first_keys import FirstKeys

    return FirstKeys() if operator.in_window else None


def generate_line(context: bpy.types.Context, operator: bpy.types.Operator, first: FirstKeys | None) -> Steps:
    """The work of the button, with what the operator's own properties say instead of the panel's."""
    from ..core.blender.sheet.generate_all import noted_steps
    from ..core.client.report import describe_codes, describe_neighbours

    settings, chosen = freeze_settings(scene_settings(context)), _chosen_here(operator)
    for group, field in _redone_fields():
        value = chosen.get(field.prop)
        if value is not None:
            changed = dataclasses.replace(getattr(settings, group), **{field.name: value})
            settings = dataclasses.replace(settings, **{group: changed})
    scene = context.scene
    mix = mixed_styles(context)
    report = yield from noted_steps(scene, settings, engine_client(context), file_digests(), mix, first)
    # only now: a refused run leaves the panel as it was
    for name, value in chosen.items():
        setattr(scene_settings(context), name, value)
    remember_style(report.style)
    refresh_poses(context)
    run_state(context).quality = json.dumps(report.quality.to_json()) if report.quality else ""
    run_state(context).neighbours = describe_neighbours(report.neighbours)
    run_state(context).codes = describe_codes(report.codes)
    return Told(report.describe(), report.notes)


def _chosen_here(operator: bpy.types.Operator) -> dict[str, Any]:
    """By the property's name; a float as it was typed (Blender stores 32 bits)."""
    names = [field.prop for _, field in _redone_fields()]
    own = operator.properties.bl_rna.properties
    values = {
        name: getattr(operator, name) for name in names if name in own and operator.properties.is_property_set(name)
    }
    return {name: float(f"{value:.7g}") if isinstance(value, float) else value for name, value in values.items()}


class MIMESH_OT_cancel(bpy.types.Operator):
    """Stop the present run; the scene stays as it was"""

    bl_idname = "mimesh.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while something runs."""
        if not run_state(context).running:
            cls.poll_message_set("Nothing is running.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The running operator sees it at its next tick."""
        run_state(context).cancel_requested = True
        return {"FINISHED"}


def generate_disabled_reason(context: bpy.types.Context) -> str:
    """Why Generate is grey, in one sentence; empty when it is not. Looks at names only: drawn often."""
    if reason := busy_reason(context):
        return reason
    assert context.scene is not None  # busy_reason
    settings = scene_settings(context)
    return (
        target_disabled_reason(context)
        or speech_disabled_reason(context.scene, settings)
        or reference_disabled_reason(context.scene, settings)
        or engine_disabled_reason(context)
    )


def engine_disabled_reason(context: bpy.types.Context) -> str:
    """Why nothing can be generated yet; empty when the engine is there."""
    return "" if has_engine(context) else "The engine is not set up yet: see the Engine panel below."


def target_disabled_reason(context: bpy.types.Context) -> str:
    """Why the chosen mesh cannot be used; empty when it can."""
    target = scene_settings(context).target
    if target is None:
        return "Choose the mesh of the face."
    if target.name not in context.scene.objects:
        return f"The mesh {target.name} is not in this scene."
    if target.mode == "EDIT":
        return f"Leave Edit Mode on {target.name} first."
    if target.data.shape_keys is None:
        return f"The mesh {target.name} has no shape keys, so there is nothing to animate its expression with."
    return ""


def speech_disabled_reason(scene: bpy.types.Scene, settings: MimeshSettings) -> str:
    if settings.speech_kind == "file":
        return "" if settings.speech_file else "Choose the sound file with the speech."
    if settings.speech_kind == "channel":
        return ""
    if settings.speech_kind == "strips":
        names = settings.speech_strips.splitlines() or [""]
        reasons = (_strip_disabled_reason(scene, name, "the strips with the speech") for name in names)
        return next(filter(None, reasons), "")
    return _strip_disabled_reason(scene, settings.speech_strip, "the strip with the speech")


def reference_disabled_reason(scene: bpy.types.Scene, settings: MimeshSettings) -> str:
    """Why the chosen reference cannot be used; empty when it can, or when none is wanted."""
    if settings.reference_kind == "strip":
        return _strip_disabled_reason(scene, settings.reference_strip, "the movie strip of the reference")
    if settings.reference_kind == "file" and not settings.reference_file:
        return "Choose the video file of the reference."
    if settings.reference_kind == "style" and not settings.style_file:
        return "Choose a style in the list, or a style file."
    return ""


def _strip_disabled_reason(scene: bpy.types.Scene, name: str, what: str) -> str:
    if not name:
        return f"Choose {what}."
    from ..core.blender.read_scene import has_strip

    if not has_strip(scene, name):
        return f"The sequencer has no strip called {name}: choose {what} again."
    return ""


register, unregister = classes_factory((MIMESH_OT_generate_lip_sync, MIMESH_OT_cancel))
