# SPDX-License-Identifier: GPL-3.0-or-later
"""Reallusion's Character Creator 3 and 4 and iClone: ``Mouth_Smile_L``, ``V_Explosive``, ``CC_Base_JawRoot``.

Its mouth opens with the bone: ``Jaw_Open`` only bends skin there unless a sculptor made it more, which the mesh shows.
"""

from __future__ import annotations

from .base import BoneNames
from .controls import NamedControls

# with left and right; what ARKit has too has ARKit's name behind it
_SIDED = {
    "Brow_Raise_Inner": "browInnerUp",
    "Brow_Raise_Outer": "browOuterUp",
    "Brow_Drop": "browDown",
    "Brow_Compress": "browCompress",
    "Eye_Blink": "eyeBlink",
    "Eyes_Blink": "eyeBlink",
    "Eye_Squint": "eyeSquint",
    "Eye_Wide": "eyeWide",
    "Nose_Sneer": "noseSneer",
    "Nose_Nostril_Raise": "noseNostrilRaise",
    "Nose_Nostril_Dilate": "noseNostrilDilate",
    "Nose_Nostril_Down": "noseNostrilDown",
    "Nose_Nostril_In": "noseNostrilIn",
    "Nose_Crease": "noseCrease",
    "Cheek_Raise": "cheekSquint",
    "Cheek_Suck": "cheekSuck",
    "Cheek_Puff": "cheekPuff",
    "Mouth_Smile": "mouthSmile",
    "Mouth_Smile_Sharp": "mouthSmileSharp",
    "Mouth_Frown": "mouthFrown",
    "Mouth_Stretch": "mouthStretch",
    "Mouth_Dimple": "mouthDimple",
    "Mouth_Press": "mouthPress",
    "Mouth_Tighten": "mouthTighten",
    "Mouth_Blow": "mouthBlow",
    "Mouth_Pucker_Up": "mouthPuckerUp",
    "Mouth_Pucker_Down": "mouthPuckerDown",
    "Mouth_Funnel_Up": "mouthFunnelUp",
    "Mouth_Funnel_Down": "mouthFunnelDown",
    "Mouth_Roll_In_Upper": "mouthRollUpper",
    "Mouth_Roll_In_Lower": "mouthRollLower",
    "Mouth_Roll_Out_Upper": "mouthRollOutUpper",
    "Mouth_Roll_Out_Lower": "mouthRollOutLower",
    "Mouth_Push_Upper": "mouthPushUpper",
    "Mouth_Push_Lower": "mouthPushLower",
    "Mouth_Pull_Upper": "mouthPullUpper",
    "Mouth_Pull_Lower": "mouthPullLower",
    "Mouth_Upper": "mouthUpper",
    "Mouth_Lower": "mouthLower",
    "Mouth_Up_Upper": "mouthUpperUp",
    "Mouth_Down_Lower": "mouthLowerDown",
    "Mouth_Bottom_Lip_Down": "mouthLowerDown",
    "Mouth_Top_Lip_Up": "mouthUpperUp",
    "Mouth_Widen": "mouthWiden",
    "Mouth_Snarl_Upper": "mouthSnarlUpper",
    "Mouth_Snarl_Lower": "mouthSnarlLower",
}
_WHOLE = (
    *("Mouth_Up", "Mouth_Down", "Mouth_Shrug_Upper", "Mouth_Shrug_Lower", "Mouth_Drop_Upper", "Mouth_Drop_Lower"),
    *(
        "Mouth_Chin_Up",
        "Mouth_Close",
        "Mouth_Contract",
        "Mouth_Open",
        "Mouth_Funnel",
        "Mouth_Pucker",
        "Mouth_Pucker_Open",
    ),
    *(
        "Mouth_Plosive",
        "Mouth_Lips_Open",
        "Mouth_Lips_Part",
        "Mouth_Lips_Tight",
        "Mouth_Lips_Tuck",
        "Mouth_Top_Lip_Under",
    ),
    *("Mouth_Bottom_Lip_Under", "Mouth_Bottom_Lip_Bite", "Mouth_Lips_Jaw_Adjust", "Mouth_Skewer", "Mouth_Blow"),
    *("Jaw_Open", "Jaw_Forward", "Jaw_Backward", "Jaw_Up", "Jaw_Down", "Merged_Open_Mouth", "Turn_Jaw_Down"),
    *("V_Open", "V_Explosive", "V_Dental_Lip", "V_Tight_O", "V_Tight", "V_Wide", "V_Affricate", "V_Lip_Open"),
)
# the first generation's lips, whose names are words of any mesh: they count beside a mark of Character Creator's
_OLD = {
    name: f"V_{name}"
    for name in ("Open", "Explosive", "Dental_Lip", "Tight_O", "Tight", "Wide", "Affricate", "Lip_Open")
}
_ARKIT = {
    "Jaw_Open": "jawOpen",
    "Jaw_Forward": "jawForward",
    "Mouth_Close": "mouthClose",
    "Mouth_Funnel": "mouthFunnel",
    "Mouth_Pucker": "mouthPucker",
    "Mouth_Shrug_Upper": "mouthShrugUpper",
    "Mouth_Shrug_Lower": "mouthShrugLower",
}
# the eye first, then where it looks to as the person sees it
_GAZE = {
    "Eye_L_Look_L": "eyeLookOutLeft",
    "Eye_L_Look_R": "eyeLookInLeft",
    "Eye_L_Look_Up": "eyeLookUpLeft",
    "Eye_L_Look_Down": "eyeLookDownLeft",
    "Eye_R_Look_L": "eyeLookInRight",
    "Eye_R_Look_R": "eyeLookOutRight",
    "Eye_R_Look_Up": "eyeLookUpRight",
    "Eye_R_Look_Down": "eyeLookDownRight",
}

CONVENTION = NamedControls(
    label="Character Creator",
    bones=BoneNames(
        jaw=("cc_base_jawroot",),
        head=("cc_base_head",),
        neck=("cc_base_necktwist02", "cc_base_necktwist01"),
        left_eye=("cc_base_l_eye",),
        right_eye=("cc_base_r_eye",),
    ),
    controls={**{name: _ARKIT.get(name, name) for name in _WHOLE}, **_OLD},
    sided=_SIDED,
    sided_only={"Mouth": "mouth", "Jaw": "jaw"},
    gaze=_GAZE,
    unused=("tongue",),
    markers=(
        *("browInnerUpLeft", "browDownLeft", "cheekSuckLeft", "mouthRollUpperLeft", "mouthPuckerUpLeft"),
        *("mouthFunnelUpLeft", "mouthUpperUpLeft", "V_Explosive", "V_Dental_Lip", "V_Lip_Open", "Mouth_Lips_Tuck"),
        *("mouthTightenLeft", "Mouth_Plosive", "mouthWidenLeft", "V_Tight_O", "V_Affricate"),
    ),
)
