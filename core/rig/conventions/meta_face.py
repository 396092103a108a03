# SPDX-License-Identifier: GPL-3.0-or-later
"""Meta's face tracking (Quest Pro): FACS by muscle, as ``lip_Corner_Puller_L``, ``lip_Funneler_LB``, ``jaw_Drop``."""

from __future__ import annotations

from .controls import NamedControls

_SIDES = {"L": "Left", "R": "Right"}
_HALVES = {"T": "Upper", "B": "Lower"}
_WAYS = {"L": {"Left": "Out", "Right": "In"}, "R": {"Left": "In", "Right": "Out"}}

CONVENTION = NamedControls(
    label="Meta face tracking",
    controls={
        "jaw_Drop": "jawOpen",
        "jaw_Thrust": "jawForward",
        "lips_Toward": "mouthClose",
        "mouth_Left": "mouthLeft",
        "mouth_Right": "mouthRight",
        "jaw_Sideways_Left": "jawLeft",
        "jaw_Sideways_Right": "jawRight",
        "chin_Raiser_T": "mouthShrugUpper",
        "chin_Raiser_B": "mouthShrugLower",
        **{
            f"lip_{muscle}_{side}{half}": f"lip{muscle}{_HALVES[half]}{_SIDES[side]}"
            for muscle in ("Funneler", "Suck")
            for side in _SIDES
            for half in _HALVES
        },
    },
    sided={
        "brow_Lowerer": "browDown",
        "inner_Brow_Raiser": "browInnerUp",
        "outer_Brow_Raiser": "browOuterUp",
        "cheek_Puff": "cheekPuff",
        "cheek_Raiser": "cheekSquint",
        "cheek_Suck": "cheekSuck",
        "dimpler": "mouthDimple",
        "eyes_Closed": "eyeBlink",
        "upper_Lid_Raiser": "eyeWide",
        "lid_Tightener": "eyeSquint",
        "lip_Corner_Depressor": "mouthFrown",
        "lip_Corner_Puller": "mouthSmile",
        "lip_Pressor": "mouthPress",
        "lip_Pucker": "mouthPucker",
        "lip_Stretcher": "mouthStretch",
        "lip_Tightener": "mouthTightener",
        "lower_Lip_Depressor": "mouthLowerDown",
        "upper_Lip_Raiser": "mouthUpperUp",
        "nose_Wrinkler": "noseSneer",
    },
    gaze={
        f"eyes_Look_{way}_{side}": f"eyeLook{_WAYS[side].get(way, way)}{_SIDES[side]}"
        for way in ("Up", "Down", "Left", "Right")
        for side in _SIDES
    },
    unused=("tongue",),
    markers=(
        *("lipFunnelerUpperLeft", "lipFunnelerLowerLeft", "lipSuckUpperLeft", "lipSuckLowerLeft"),
        *("mouthSmileLeft", "mouthPuckerLeft", "mouthLowerDownLeft", "mouthUpperUpLeft"),
    ),
    needed=3,
)
