# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank of pose styles for the panel: in the window manager, so that drawing never reads the disk."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import bpy

from .properties import run_state, scene_settings
from .stubs import OperatorResult, classes_factory
from .styles import remembered_style

# the livelier heads of the bundled bank turn by this much
_HALF_WIDTH_DEGREES = 8.0
_COLOUR, _AXES_COLOUR = (0.95, 0.65, 0.25), (0.7, 0.7, 0.7)


class MimeshPoseItem(bpy.types.PropertyGroup):
    """One style of the bank as the panel shows it; ``name`` comes with every group."""

    short: bpy.props.StringProperty(description="The name for a narrow list")
    speaker: bpy.props.StringProperty()
    provenance: bpy.props.StringProperty()
    nod: bpy.props.FloatProperty(description="Degrees, standard deviation")
    turn: bpy.props.FloatProperty(description="Degrees, standard deviation")
    together: bpy.props.FloatProperty(description="Correlation of nod and turn")
    distance: bpy.props.FloatProperty(description="To the reference of the last run; negative where none is known")


class MimeshPoseList(bpy.types.PropertyGroup):
    """The bank's listing; never saved, not part of undo."""

    items: bpy.props.CollectionProperty(type=MimeshPoseItem, options={"SKIP_SAVE"})
    active: bpy.props.IntProperty(name="Pose Style", options={"SKIP_SAVE"})
    problem: bpy.props.StringProperty(description="Why the bank cannot be read", options={"SKIP_SAVE"})


class MIMESH_OT_refresh_poses(bpy.types.Operator):
    """Read the bank again, and measure each style's distance to the reference of the last run"""

    bl_idname = "mimesh.refresh_poses"
    bl_label = "Read Bank Again"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """What cannot be read is said in the panel."""
        refresh_poses(context)
        return {"FINISHED"}


class MIMESH_OT_follow_pose(bpy.types.Operator):
    """Move the head like this pose style in the next runs, instead of the nearest one; once more goes back to the nearest"""  # noqa: E501

    bl_idname = "mimesh.follow_pose"
    bl_label = "Follow Pose Style"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(name="Name", description="A style of the bank; empty is the nearest")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """A choice like any other of the scene."""
        pose = scene_settings(context).pose
        pose.follow = "" if pose.follow == self.name else self.name
        return {"FINISHED"}


def pose_list(context: bpy.types.Context) -> MimeshPoseList:
    """The listing as the panel shows it."""
    return context.window_manager.mimesh_poses


def active_pose(context: bpy.types.Context) -> MimeshPoseItem | None:
    """The selected line, if there is one."""
    listing = pose_list(context)
    return listing.items[listing.active] if 0 <= listing.active < len(listing.items) else None


def retrieved_names(context: bpy.types.Context) -> set[str]:
    """The pose styles that the last run's head was made from."""
    return {line.rpartition(": ")[0] for line in run_state(context).neighbours.splitlines()}


def reach_pixels(item: MimeshPoseItem, pixels: int, with_axes: bool = False) -> list[float]:
    """How far this head nods and turns, as a square picture's RGBA values, row by row from below."""
    from ..core.pose.listing import reach_axes, reach_picture

    filled = reach_picture(item.nod, item.turn, item.together, pixels, _HALF_WIDTH_DEGREES)[..., None]
    axes = reach_axes(pixels, _HALF_WIDTH_DEGREES)[..., None] if with_axes else 0.0 * filled
    # Blender's icons are premultiplied; the axes lie over the filled part
    return (filled * (*_COLOUR, 1.0) * (1.0 - axes) + axes * (*_AXES_COLOUR, 1.0)).ravel().tolist()  # type: ignore


def refresh_poses(context: bpy.types.Context) -> None:
    """Read the chosen bank and fill the listing; a damaged one leaves its sentence instead."""
    from ..core.errors import MimeshError
    from ..core.pose.listing import list_poses, short_name

    listing = pose_list(context)
    chosen = scene_settings(context).pose.bank if context.scene else ""
    style = remembered_style()
    listing.items.clear()
    listing.problem = ""
    try:
        found = list_poses(Path(bpy.path.abspath(chosen)) if chosen else None, style.pose if style else None)
    except MimeshError as error:
        listing.problem = str(error)
        return
    for pose in found:
        item = listing.items.add()
        item.name, item.speaker, item.provenance = pose.name, pose.speaker, pose.provenance
        item.short = short_name(pose.name)
        item.nod, item.turn, item.together = pose.nod_degrees, pose.turn_degrees, pose.together
        item.distance = pose.distance if math.isfinite(pose.distance) else -1.0
    listing.active = min(listing.active, max(len(found) - 1, 0))


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _after_load(*_: object) -> None:
    _refresh_when_possible()


def _refresh_when_possible() -> None:
    # a timer's function too: registration itself must stay light
    with contextlib.suppress(OSError, AttributeError):
        refresh_poses(bpy.context)


_register_classes, _unregister_classes = classes_factory(
    (MimeshPoseItem, MimeshPoseList, MIMESH_OT_refresh_poses, MIMESH_OT_follow_pose)
)


def register() -> None:
    """Attach the listing; it is filled as soon as Blender is ready, and after each file."""
    _register_classes()
    bpy.types.WindowManager.mimesh_poses = bpy.props.PointerProperty(type=MimeshPoseList)  # type: ignore
    bpy.app.handlers.load_post.append(_after_load)
    bpy.app.timers.register(_refresh_when_possible, first_interval=0.1)


def unregister() -> None:
    """Detach it again."""
    if bpy.app.timers.is_registered(_refresh_when_possible):
        bpy.app.timers.unregister(_refresh_when_possible)
    bpy.app.handlers.load_post.remove(_after_load)
    del bpy.types.WindowManager.mimesh_poses  # type: ignore[attr-defined]
    _unregister_classes()
