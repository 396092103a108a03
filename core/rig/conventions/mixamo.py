# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixamo's and Adobe Fuse's faces: ``MouthOpen``, ``Smile_Left``, ``LowerLipDown_Right``, ``Blink_Left``."""

from __future__ import annotations

from .controls import NamedControls

_SIDED = {
    "Blink": "eyeBlink",
    "BrowsDown": "browDown",
    "BrowsIn": "browIn",
    "BrowsUp": "browOuterUp",
    "BrowsOuterLower": "browOuterLower",
    "CheekPuff": "cheekPuff",
    "EyesWide": "eyeWide",
    "Frown": "mouthFrown",
    "LowerLipDown": "mouthLowerDown",
    "Midmouth": "mouth",
    "MouthNarrow": "mouthNarrow",
    "MouthWhistle_NarrowAdjust": "mouthWhistle",
    "NoseScrunch": "noseSneer",
    "Smile": "mouthSmile",
    "Squint": "eyeSquint",
    "UpperLipUp": "mouthUpperUp",
}

CONVENTION = NamedControls(
    label="Mixamo",
    controls={
        "MouthOpen": "jawOpen",
        "MouthUp": "mouthUp",
        "MouthDown": "mouthDown",
        "LowerLipIn": "mouthRollLower",
        "LowerLipOut": "mouthRollOutLower",
        "UpperLipIn": "mouthRollUpper",
        "UpperLipOut": "mouthRollOutUpper",
        "JawBackward": "jawBackward",
        "JawForeward": "jawForward",
        "JawForward": "jawForward",
        "Jaw_Up": "jawUp",
        "Jaw_Down": "jawDown",
    },
    sided=_SIDED,
    sided_only={"Jaw": "jaw", "JawRotateY": "jawRotateY", "JawRotateZ": "jawRotateZ"},
    unused=("TongueUp",),
    markers=(
        "mouthNarrowLeft",
        "mouthRollOutLower",
        "mouthRollOutUpper",
        "mouthRollLower",
        "mouthRollUpper",
        "browInLeft",
        "mouthWhistleLeft",
        "mouthLowerDownLeft",
    ),
    needed=3,
)
