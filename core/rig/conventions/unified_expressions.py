# SPDX-License-Identifier: GPL-3.0-or-later
"""VRCFaceTracking's Unified Expressions on VRChat avatars: ``LipFunnelUpperLeft``, ``MouthCornerPullRight``."""

from __future__ import annotations

from .controls import NamedControls

_HALVES = ("LipSuckUpper", "LipSuckLower", "LipFunnelUpper", "LipFunnelLower", "LipPuckerUpper", "LipPuckerLower")
# with left and right, some rigs have one for both; what ARKit has too has ARKit's name behind it
_SIDED = {
    **{name: name for name in (*_HALVES, "LipSuckCorner", "LipSuck", "LipFunnel", "LipPucker")},
    "EyeClosed": "eyeBlink",
    "EyeWide": "eyeWide",
    "EyeSquint": "eyeSquint",
    "BrowPinch": "browPinch",
    "BrowLowerer": "browDown",
    "BrowInnerUp": "browInnerUp",
    "BrowOuterUp": "browOuterUp",
    "BrowUp": "browUp",
    "NoseSneer": "noseSneer",
    "CheekSquint": "cheekSquint",
    "CheekPuff": "cheekPuff",
    "CheekSuck": "cheekSuck",
    "MouthUpperUp": "mouthUpperUp",
    "MouthLowerDown": "mouthLowerDown",
    "MouthUpperDeepen": "mouthUpperDeepen",
    "MouthCornerPull": "mouthSmile",
    "MouthCornerSlant": "mouthCornerSlant",
    "MouthSmile": "mouthSmile",
    "MouthFrown": "mouthFrown",
    "MouthSad": "mouthFrown",
    "MouthStretch": "mouthStretch",
    "MouthDimple": "mouthDimple",
    "MouthPress": "mouthPress",
    "MouthTightener": "mouthTightener",
}

CONVENTION = NamedControls(
    label="Unified Expressions",
    controls={
        "JawOpen": "jawOpen",
        "JawForward": "jawForward",
        "JawBackward": "jawBackward",
        "JawMandibleRaise": "jawUp",
        "MouthClosed": "mouthClose",
        "MouthRaiserUpper": "mouthShrugUpper",
        "MouthRaiserLower": "mouthShrugLower",
    },
    sided=_SIDED,
    sided_only={"Mouth": "mouth", "Jaw": "jaw", "MouthUpper": "mouthUpper", "MouthLower": "mouthLower"},
    unused=("tongue",),
    markers=(
        *("LipFunnelUpperLeft", "LipPuckerUpperLeft", "LipSuckUpperLeft", "LipFunnel", "LipPucker", "LipSuck"),
        *("mouthTightenerLeft", "mouthCornerSlantLeft", "mouthUpperDeepenLeft", "browPinchLeft"),
    ),
)
