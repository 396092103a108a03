# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of a way of talking: its open mouth, and the path that its head took. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.motion import EXPRESSION_SIZE, Motion
from ..face.rotations import FloatArray
from .picture import face_picture

# what an average speaker opens for a loud vowel
_OPEN_RADIANS = 0.17
# the livelier heads turn by so much to a side: half the picture's width
_HALF_WIDTH_RADIANS = 0.3
# of the picture's height: the face, and the middle of the path below it
_FACE_SHARE, _PATH_MIDDLE = 0.7, 0.8
_TRAIL = np.array([245.0, 166.0, 64.0])
_TRAIL_OPACITY = 0.85
# of the picture's width
_TRAIL_WIDTH = 0.012
# between two frames the path is straight
_STEPS = 12


def style_picture(gain: FloatArray, offset: FloatArray, head: FloatArray, pixels: int) -> NDArray[np.uint8]:
    """(pixels, pixels, 3) RGB: the face at a loud vowel said in this style, and its head's turns and nods as a
    line below.

    gain, offset: (53,) of the style on the average speaker's coefficients. head: (T, 3) rotation vectors in radians.
    """
    face = np.zeros(len(gain), np.float32)
    face[EXPRESSION_SIZE] = _OPEN_RADIANS
    face = (face * gain + offset).astype(np.float32)
    basis = open_basis()
    motion = Motion(
        25.0,
        expression=face[None, :EXPRESSION_SIZE],
        jaw=face[None, EXPRESSION_SIZE:],
        head=np.zeros((1, 3), np.float32),
        gaze=np.zeros((1, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
    small = face_picture(motion, 0, round(pixels * _FACE_SHARE))
    rgb = _with_path(np.tile(small[0, 0], (pixels, pixels, 1)), head)
    left = (pixels - len(small)) // 2
    place = rgb[: len(small), left : left + len(small)]
    # the face hides what is behind it
    drawn = (small != small[0, 0]).any(axis=-1)
    place[drawn] = small[drawn]
    return rgb


def _with_path(rgb: NDArray[np.uint8], head: FloatArray) -> NDArray[np.uint8]:
    """The square picture with the path of the head's aim on it: turns to the sides, nods up and down."""
    if len(head) < 2:
        return rgb
    pixels = len(rgb)
    aim = np.asarray(head, np.float64)[:, [1, 0]]
    aim = aim - aim.mean(axis=0)
    # between frames too, so that the line has no gaps
    times = np.arange(0, len(aim) - 1, 1.0 / _STEPS)
    places = np.stack([np.interp(times, np.arange(len(aim)), aim[:, axis]) for axis in range(2)], axis=-1)
    dots = places / _HALF_WIDTH_RADIANS * pixels / 2 + np.array([0.5, _PATH_MIDDLE]) * pixels
    cover = np.zeros((pixels, pixels))
    reach = max(_TRAIL_WIDTH * pixels / 2, 0.5)
    span = int(np.ceil(reach)) + 1
    for down in range(-span, span + 1):
        for right in range(-span, span + 1):
            columns, rows = np.floor(dots[:, 0]).astype(int) + right, np.floor(dots[:, 1]).astype(int) + down
            far = np.hypot(columns + 0.5 - dots[:, 0], rows + 0.5 - dots[:, 1])
            inside = (columns >= 0) & (columns < pixels) & (rows >= 0) & (rows < pixels)
            covered = np.clip(reach - far + 0.5, 0.0, 1.0)
            np.maximum.at(cover, (rows[inside], columns[inside]), covered[inside])
    share = (cover * _TRAIL_OPACITY)[..., None]
    mixed: NDArray[np.uint8] = (rgb * (1 - share) + _TRAIL * share).round().astype(np.uint8)
    return mixed
