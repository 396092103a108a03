# SPDX-License-Identifier: GPL-3.0-or-later
"""Apple's 52 ARKit blend shapes (Faceit, Ready Player Me, Daz's FACS, MPFB2's face units), however spelled."""

from __future__ import annotations

from .controls import GAZE_WAYS, NamedControls

_QUARTERED = ("Close", "Compress", "Forward", "Funnel", "Press", "Pucker", "Purse")
_SIDED = (
    *("browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "cheekRaiser", "eyeBlink", "eyeSquint"),
    *("eyeWide", "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch"),
    *("mouthUpperUp", "noseSneer"),
    # one key on Apple's face, made into two by some tools
    *("mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    # and by Daz's Genesis 9 into four
    *(f"mouth{shape}{half}" for shape in _QUARTERED for half in ("Upper", "Lower")),
)

CONVENTION = NamedControls(
    label="ARKit",
    controls={name: name for name in ("jawForward", "jawOpen", "mouthClose")},
    sided={**{name: name for name in _SIDED}, "eyesWide": "eyeWide"},
    # mouthLeft and jawRight move the whole mouth or jaw to that side
    sided_only={"mouth": "mouth", "jaw": "jaw"},
    gaze={way: way for way in sorted({name.removesuffix("Left").removesuffix("Right") for name in GAZE_WAYS})},
    unused=("tongueOut",),
    markers=(
        *("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker"),
        *("mouthCloseUpperLeft", "mouthFunnelUpperLeft", "mouthPurseUpperLeft"),
    ),
)
