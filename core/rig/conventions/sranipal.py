# SPDX-License-Identifier: GPL-3.0-or-later
"""HTC Vive's face tracker (SRanipal) on avatars: ``Mouth_Upper_Overturn``, ``Mouth_Ape_Shape``, ``Eye_Left_Blink``."""

from __future__ import annotations

from .controls import NamedControls

_WAYS = {"LeftLeft": "Out", "LeftRight": "In", "RightLeft": "In", "RightRight": "Out"}

CONVENTION = NamedControls(
    label="SRanipal",
    controls={
        "Jaw_Open": "jawOpen",
        "Jaw_Forward": "jawForward",
        "Mouth_Ape_Shape": "mouthClose",
        "Mouth_Pout": "mouthPucker",
        "Mouth_O_Shape": "mouthFunnel",
        "Cheek_Suck": "cheekSuck",
        **{
            f"Mouth_{lip}_{way}": f"mouth{lip}{way}"
            for lip, way in (("Upper", "Overturn"), ("Lower", "Overturn"), ("Lower", "Overlay"))
        },
        "Mouth_Upper_Inside": "mouthRollUpper",
        "Mouth_Lower_Inside": "mouthRollLower",
    },
    sided={
        "Eye_Blink": "eyeBlink",
        "Eye_Wide": "eyeWide",
        "Eye_Squeeze": "eyeSquint",
        "Mouth_Smile": "mouthSmile",
        "Mouth_Sad": "mouthFrown",
        "Cheek_Puff": "cheekPuff",
        "Mouth_Upper_Up": "mouthUpperUp",
        "Mouth_Lower_Down": "mouthLowerDown",
    },
    sided_only={"Jaw": "jaw", "Mouth_Upper": "mouthUpper", "Mouth_Lower": "mouthLower"},
    gaze={
        f"Eye_{eye}_{way}": f"eyeLook{_WAYS.get(eye + way, way)}{eye}"
        for eye in ("Left", "Right")
        for way in ("Up", "Down", "Left", "Right")
    },
    unused=("tongue",),
    markers=(
        *("mouthClose", "mouthUpperOverturn", "mouthLowerOverturn", "mouthLowerOverlay", "mouthRollUpper"),
        *("mouthRollLower", "mouthPucker"),
    ),
    needed=3,
)
