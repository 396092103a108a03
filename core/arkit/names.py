# SPDX-License-Identifier: GPL-3.0-or-later
"""Apple's 52 shapes in Live Link Face's order, and the columns that follow them in its files."""

from __future__ import annotations

_EYE = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
SHAPES = (
    *(f"eye{way}Left" for way in _EYE),
    *(f"eye{way}Right" for way in _EYE),
    *("jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker"),
    *("mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp"),
    *("browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight"),
    *("noseSneerLeft", "noseSneerRight", "tongueOut"),
)
# rotations in radians, by their own names in the file
TURNS = (
    *("headYaw", "headPitch", "headRoll"),
    *("leftEyeYaw", "leftEyePitch", "leftEyeRoll"),
    *("rightEyeYaw", "rightEyePitch", "rightEyeRoll"),
)
COLUMNS = (*SHAPES, *TURNS)


def plain(name: str) -> str:
    """A name without capitals and separators, by which other spellings are known."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


BY_SPELLING = {plain(name): name for name in COLUMNS}


def mirrored(name: str) -> str:
    """The name of the other side's shape; a middle shape's own."""
    if name.endswith("Left"):
        return f"{name.removesuffix('Left')}Right"
    return f"{name.removesuffix('Right')}Left" if name.endswith("Right") else name
