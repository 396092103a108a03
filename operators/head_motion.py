# SPDX-License-Identifier: GPL-3.0-or-later
"""Regenerate Head Motion, and what is done with the bank of pose styles."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable
from pathlib import Path

import bpy

from .engine_access import engine_client
from .generate import engine_disabled_reason, generate_disabled_reason, reference_disabled_reason
from .pose_list import refresh_poses
from .preferences import user_folder
from .properties import busy_reason, freeze_settings, run_state, scene_settings
from .stepping import SteppedOperator, Steps
from .stubs import OperatorResult, classes_factory, explain

_SEED_LIMIT = 1_000_000


class MIMESH_OT_regenerate_head(SteppedOperator, bpy.types.Operator):
    """Move the head in another way to the same speech; the face keeps its keys"""

    bl_idname = "mimesh.regenerate_head"
    bl_label = "Regenerate Head Motion"
    bl_options = {"UNDO"}

    task = "Regenerate Head Motion"

    seed: bpy.props.IntProperty(
        name="Head Seed", description="Negative draws a new one", default=-1, options={"SKIP_SAVE"}
    )
    follow: bpy.props.StringProperty(
        name="Follow", description="Pose style of the bank to move like, with the present seed", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs what Generate needs, and its result."""
        reason = generate_disabled_reason(context) or _animation_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.head_session. The new seed is kept with the scene once the keys are there."""
        from ..core.blender.head_session import regenerate_head_steps
        from ..core.client.report import describe_codes, describe_neighbours

        settings = freeze_settings(scene_settings(context))
        head = settings.head
        if self.follow:
            # two heads are compared: what else is drawn at random stays
            head = dataclasses.replace(head, follow=self.follow, source="bank")
            head = head if self.seed < 0 else dataclasses.replace(head, seed=self.seed)
        else:
            head = dataclasses.replace(head, seed=self.seed if self.seed >= 0 else random.randrange(_SEED_LIMIT))
        settings = dataclasses.replace(settings, head=head)
        report = yield from regenerate_head_steps(context.scene, settings, engine_client(context))
        pose = scene_settings(context).pose
        pose.seed, pose.follow, pose.source = head.seed, head.follow, head.source
        run_state(context).neighbours = describe_neighbours(report.neighbours)
        run_state(context).codes = describe_codes(report.codes)
        return report.describe()


class MIMESH_OT_add_to_bank(SteppedOperator, bpy.types.Operator):
    """Add the reference's way of moving the head to the bank of pose styles; nothing is trained"""

    bl_idname = "mimesh.add_to_bank"
    bl_label = "Add Clip to Bank"
    bl_options = {"UNDO"}

    task = "Add Clip to Bank"

    name: bpy.props.StringProperty(
        name="Name", description="What to call it; empty takes the clip's name", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a reference."""
        reason = _adding_disabled_reason(context)
        return explain(cls, reason)

    def start(self, context: bpy.types.Context) -> Steps:
        """See core.blender.head_session. Without a chosen bank, one in the extension's user folder is begun."""
        from ..core.blender.head_session import add_to_bank_steps

        settings = freeze_settings(scene_settings(context))
        chosen = scene_settings(context).pose.bank
        bank = settings.head.bank or user_folder() / "pose_bank.safetensors"
        result = yield from add_to_bank_steps(context.scene, settings, bank, self.name, engine_client(context))
        scene_settings(context).pose.bank = chosen or str(bank)
        refresh_poses(context)
        return f'The bank has "{result.added}" now; it holds {len(result.names)} pose styles.'


def _search_user_bank(self: MIMESH_OT_remove_from_bank, context: bpy.types.Context, edit_text: str) -> Iterable[str]:
    from ..core.errors import MimeshError
    from ..core.pose.user_bank import bank_names

    try:
        return bank_names(_chosen_bank(context))
    except MimeshError:
        # the operator says what is wrong with the file
        return ()


class MIMESH_OT_remove_from_bank(bpy.types.Operator):
    """Take a style out of your user bank of pose styles; this cannot be undone"""

    bl_idname = "mimesh.remove_from_bank"
    bl_label = "Remove Style from Bank"

    name: bpy.props.StringProperty(
        name="Name", description="Which style of the bank", search=_search_user_bank, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs a bank of one's own that nothing is reading."""
        reason = _removing_disabled_reason(context)
        return explain(cls, reason)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask which."""
        return context.window_manager.invoke_props_dialog(self, confirm_text="Remove")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write the file without it. See core.pose.user_bank."""
        from ..core.errors import MimeshError
        from ..core.pose.user_bank import remove_from_bank

        if not self.name:
            self.report({"ERROR"}, "No pose style is chosen. Choose one of the bank's.")
            return {"CANCELLED"}
        try:
            left = remove_from_bank(_chosen_bank(context), self.name)
        except MimeshError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        refresh_poses(context)
        self.report({"INFO"}, f'The bank no longer has "{self.name}"; it holds {len(left)} pose styles.')
        return {"FINISHED"}


class MIMESH_OT_use_bundled_bank(bpy.types.Operator):
    """Go back to the bank that comes with Mimesh"""

    bl_idname = "mimesh.use_bundled_bank"
    bl_label = "Use Bundled Bank"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The other file stays where it is."""
        scene_settings(context).pose.bank = ""
        refresh_poses(context)
        return {"FINISHED"}


def _adding_disabled_reason(context: bpy.types.Context) -> str:
    """Why there is nothing to add to the bank; empty when there is."""
    if reason := busy_reason(context):
        return reason
    assert context.scene is not None  # busy_reason
    settings = scene_settings(context)
    if settings.reference_kind == "none":
        return "Choose a reference clip or a style first."
    return reference_disabled_reason(context.scene, settings) or engine_disabled_reason(context)


def _removing_disabled_reason(context: bpy.types.Context) -> str:
    """Why there is no bank to take a style out of; empty when there is."""
    if reason := busy_reason(context):
        return reason
    if not scene_settings(context).pose.bank:
        return "The bundled bank is never changed: choose a bank of your own, or add a clip to begin one."
    return "" if _chosen_bank(context).is_file() else "The chosen bank does not exist yet: add a clip to begin it."


def _chosen_bank(context: bpy.types.Context) -> Path:
    return Path(bpy.path.abspath(scene_settings(context).pose.bank))


def _animation_disabled_reason(context: bpy.types.Context) -> str:
    """Why there is no head motion to regenerate; empty when there is."""
    from ..core.blender.read_animation import line_owners
    from ..core.blender.tags import our_actions

    # a face that controls drive has no line on its own keys
    owners = line_owners(scene_settings(context).target)
    made = any(True for owner in owners for _ in our_actions(owner))
    return "" if made else "Generate first: then its head motion can be regenerated."


_CLASSES = (MIMESH_OT_regenerate_head, MIMESH_OT_add_to_bank, MIMESH_OT_remove_from_bank, MIMESH_OT_use_bundled_bank)
register, unregister = classes_factory(_CLASSES)
