# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face's CSV: Apple's 52 shapes in the app's order, a row a frame (61 columns with head and eyes)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
# rotation axes, by their own names in the file
_TURNS = (
    *("headYaw", "headPitch", "headRoll"),
    *("leftEyeYaw", "leftEyePitch", "leftEyeRoll"),
    *("rightEyeYaw", "rightEyePitch", "rightEyeRoll"),
)
COLUMNS = (*SHAPES, *_TURNS)


def write_live_link(names: Sequence[str], values: NDArray[np.floating], fps: float) -> str:
    """(T, N) values of shapes by Apple's names as the file's text; shapes that are not named, head and eyes are 0."""
    rows = np.zeros((len(values), len(COLUMNS)))
    for column, name in enumerate(names):
        if name in SHAPES:
            rows[:, SHAPES.index(name)] = np.clip(values[:, column], 0.0, 1.0)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in COLUMNS)])
    for frame, row in enumerate(rows):
        writer.writerow([_timecode(frame, fps), len(COLUMNS), *(f"{value:.6f}" for value in row)])
    return text.getvalue()


def _timecode(frame: int, fps: float) -> str:
    """Hours, minutes, seconds and frames within the second."""
    seconds = int(frame / fps + 1e-6)
    within = frame - seconds * fps
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{within:06.3f}"
