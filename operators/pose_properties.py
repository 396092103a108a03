# SPDX-License-Identifier: GPL-3.0-or-later
"""How the head moves: the choices behind the Head Motion panel, one set per scene."""

from __future__ import annotations

import bpy

from ..core.client.choices import PoseChoice
from .stubs import classes_factory

SOURCES = (
    (
        "bank",
        "In Their StyleConditioning",
        "New head motion for this speech, in the manner of the people who move most alike",
    ),
    ("reference", "From Reference", "The head motion of the reference clip itself"),
)
# as in core.pose.settings, which is not imported here because it brings numpy into Blender's start-up
NEIGHBOUR_LIMIT = 16
TEMPERATURE_LIMIT = 2.0
DEAD_ZONE_LIMIT_RADIANS = 0.1


class MimeshPose(bpy.types.PropertyGroup):
    """Head motion beside its amount."""

    source: bpy.props.EnumProperty(name="Head Pose", description="Where the head motion comes from", items=SOURCES)
    k: bpy.props.IntProperty(
        name="Neighbours",
        description="How many of the nearest people in the bank are mixed; 1 follows the nearest alone",
        default=1,
        min=1,
        max=NEIGHBOUR_LIMIT,
    )
    temperature: bpy.props.FloatProperty(
        name="Temperature",
        description="How freely the motion is drawn: 0 is always the likeliest, above 1 is restless",
        default=1.0,
        min=0.0,
        max=TEMPERATURE_LIMIT,
        step=5,
    )
    top_p: bpy.props.FloatProperty(
        name="Top-p",
        description="Only motion that is together this likely is drawn; lower is tamer",
        default=0.95,
        min=0.01,
        max=1.0,
        step=1,
    )
    seed: bpy.props.IntProperty(
        name="Head Seed", description="Another number gives another head motion and changes nothing else", min=0
    )
    stillness: bpy.props.FloatProperty(
        name="Stillness",
        description="Head motion smaller than this is taken out",
        subtype="ANGLE",
        default=0.0,
        min=0.0,
        max=DEAD_ZONE_LIMIT_RADIANS,
        step=10,
    )
    bank: bpy.props.StringProperty(
        name="Bank",
        description="File of pose styles, its own pose prior beside it where it has one; empty is the bundled bank",
        subtype="FILE_PATH",
    )


def pose_choice(pose: MimeshPose) -> PoseChoice:
    """Freeze the choices."""
    return PoseChoice(
        source=pose.source,
        k=pose.k,
        temperature=pose.temperature,
        top_p=pose.top_p,
        seed=pose.seed,
        dead_zone_radians=pose.stillness,
        bank=pose.bank,
    )


register, unregister = classes_factory((MimeshPose,))
