# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll Head Again, and Add Clip to Bank."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import bpy

from .engine_access import engine_client
from .generate import reason_against_engine, reason_against_reference, reason_not_to_generate
from .preferences import user_folder
from .properties import run_state, scene_settings, settings_to_request
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory

# as core.blender.read_animation.PROVENANCE_PROPERTY, which poll must not import numpy for
_TAG = "mimesh"
_SEED_LIMIT = 1_000_000


class MIMESH_OT_roll_head(SteppedOperator, bpy.types.Operator):
    """Move the head in another way to the same speech; the face keeps its keys"""

    bl_idname = "mimesh.roll_head"
    bl_label = "Roll Head Again"
    bl_options = {"REGISTER", "UNDO"}

    task = "Roll Head Again"

    seed: bpy.props.IntProperty(
        name="Head Seed", description="Negative draws a new one", default=-1, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs what Generate needs, and its result."""
        reason = reason_not_to_generate(context) or _reason_against_animation(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.head_session. The new seed is kept with the scene once the keys are there."""
        from ..core.blender.head_session import roll_steps
        from ..core.blender.report import neighbours_in_words

        seed = self.seed if self.seed >= 0 else random.randrange(_SEED_LIMIT)
        settings = settings_to_request(scene_settings(context))
        settings = dataclasses.replace(settings, pose=dataclasses.replace(settings.pose, seed=seed))
        report = yield from roll_steps(context.scene, settings, engine_client(context))
        scene_settings(context).pose.seed = seed
        run_state(context).neighbours = neighbours_in_words(report.neighbours)
        return report.in_words()


class MIMESH_OT_add_to_bank(SteppedOperator, bpy.types.Operator):
    """Add the reference's way of moving the head to the bank of pose styles; nothing is trained"""

    bl_idname = "mimesh.add_to_bank"
    bl_label = "Add Clip to Bank"
    bl_options = {"REGISTER", "UNDO"}

    task = "Add Clip to Bank"

    name: bpy.props.StringProperty(
        name="Name", description="What to call it; empty takes the clip's name", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a reference."""
        reason = _reason_against_adding(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.head_session. Without a chosen bank, one in the extension's user folder is begun."""
        from ..core.blender.head_session import add_to_bank_steps

        settings = settings_to_request(scene_settings(context))
        chosen = settings.pose.bank
        bank = Path(bpy.path.abspath(chosen)) if chosen else user_folder() / "pose_bank.safetensors"
        result = yield from add_to_bank_steps(context.scene, settings, bank, self.name, engine_client(context))
        scene_settings(context).pose.bank = chosen or str(bank)
        return f'The bank has "{result.added}" now; it holds {len(result.names)} pose styles.'


class MIMESH_OT_use_bundled_bank(bpy.types.Operator):
    """Go back to the bank that comes with Mimesh"""

    bl_idname = "mimesh.use_bundled_bank"
    bl_label = "Use Bundled Bank"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The other file stays where it is."""
        scene_settings(context).pose.bank = ""
        return {"FINISHED"}


def _reason_against_adding(context: bpy.types.Context) -> str:
    """Why there is nothing to add to the bank; empty when there is."""
    run, scene = run_state(context), context.scene
    if run.running:
        return f"{run.task} is running."
    if scene is None:
        return "There is no scene."
    settings = scene_settings(context)
    if settings.reference_kind == "none":
        return "Choose a reference clip or a style first."
    return reason_against_reference(scene, settings) or reason_against_engine(context)


def _reason_against_animation(context: bpy.types.Context) -> str:
    """Why there is no head to roll again; empty when there is."""
    keys = scene_settings(context).target.data.shape_keys
    action = keys.animation_data.action if keys.animation_data else None
    return "" if action is not None and _TAG in action else "Generate first: then the head can be rolled again."


register, unregister = classes_factory((MIMESH_OT_roll_head, MIMESH_OT_add_to_bank, MIMESH_OT_use_bundled_bank))
