# SPDX-License-Identifier: GPL-3.0-or-later
"""Live Link Face's CSV as text: a row a frame, Apple's 52 shapes in the app's order, then head and eyes in radians.

Turns have the signs of Unreal's rotators on ARKit's face: yaw is positive to the person's right, pitch down, roll to
the person's left shoulder; a head turns by roll first, then pitch, then yaw.
"""

from __future__ import annotations

import csv
import io

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray, matrix_from_rotvec, rotvec_from_matrix
from .names import COLUMNS, SHAPES


def write_live_link(
    values: NDArray[np.floating], fps: float, head: FloatArray | None = None, gaze: FloatArray | None = None
) -> str:
    """(T, 52) values, clipped to 0..1, with (T, 3) rotation vectors and (T, 2, 2) gaze; 0 where they are None."""
    rows = np.zeros((len(values), len(COLUMNS)))
    rows[:, : len(SHAPES)] = np.clip(values, 0.0, 1.0)
    turns = rows[:, len(SHAPES) :]
    if head is not None:
        turns[:, :3] = head_turns(head)
    if gaze is not None:
        for eye, first in ((0, 3), (1, 6)):
            turns[:, first], turns[:, first + 1] = -gaze[:, eye, 1], gaze[:, eye, 0]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in COLUMNS)])
    for frame, row in enumerate(rows):
        writer.writerow([_timecode(frame, fps), len(COLUMNS), *(f"{value:.6f}" for value in row)])
    return text.getvalue()


def head_turns(head: FloatArray) -> NDArray[np.float64]:
    """(T, 3) rotation vectors in the basis' axes to the file's (T, 3) yaw, pitch and roll."""
    matrix = matrix_from_rotvec(head)
    yaw = np.arctan2(matrix[:, 0, 2], matrix[:, 2, 2])
    pitch = np.arcsin(np.clip(-matrix[:, 1, 2], -1.0, 1.0))
    tilt = np.arctan2(matrix[:, 1, 0], matrix[:, 1, 1])
    return np.stack([-yaw, pitch, -tilt], axis=1)


def head_of_turns(turns: FloatArray) -> NDArray[np.float64]:
    """Inverse of :func:`head_turns`."""
    about_y, about_x, about_z = (matrix_from_rotvec(np.outer(angle, axis)) for angle, axis in _about_axes(turns))
    return np.asarray(rotvec_from_matrix(about_y @ about_x @ about_z), np.float64)


def eyes_of_turns(turns: FloatArray) -> NDArray[np.float64]:
    """(T, 9) columns of :data:`~core.arkit.names.TURNS` to (T, 2, 2) gaze."""
    return np.stack([np.stack([turns[:, first + 1], -turns[:, first]], axis=1) for first in (3, 6)], axis=1)


def _about_axes(turns: FloatArray) -> tuple[tuple[FloatArray, tuple[float, float, float]], ...]:
    return ((-turns[:, 0], (0.0, 1.0, 0.0)), (turns[:, 1], (1.0, 0.0, 0.0)), (-turns[:, 2], (0.0, 0.0, 1.0)))


def _timecode(frame: int, fps: float) -> str:
    """Hours, minutes, seconds, and frames within a second of whole frames (no frames are dropped)."""
    rate = max(round(fps), 1)
    seconds = frame // rate
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame % rate:02d}.000"
