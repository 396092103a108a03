# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of a motion on the landmarks' own face, for takes and reports. numpy; needs no GPU and no scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.closures import lip_gap
from ..face.motion import Motion
from ..face.rotations import matrix_from_rotvec
from ..rig.raster import View, draw

_SKIN = np.array([0.80, 0.62, 0.52])
# of the face's height
_ROOM = 1.15
_FRONT = np.eye(3)


def face_picture(motion: Motion, frame: int, pixels: int = 96) -> NDArray[np.uint8]:
    """(pixels, pixels, 3) RGB of one frame with its head pose, seen from the front."""
    basis = open_basis()
    one = motion.replace(
        **{name: getattr(motion, name)[frame : frame + 1] for name in ("expression", "jaw", "head", "gaze")}
    )
    points = basis.landmarks(one)[0].astype(np.float64)
    centre = basis.neutral.mean(axis=0).astype(np.float64)
    turned = (points - centre) @ matrix_from_rotvec(one.head.astype(np.float64))[0].T + centre
    height = float(np.ptp(basis.neutral[:, 1]))
    view = View(_FRONT, centre, height * _ROOM, pixels)
    colours = np.tile(_SKIN, (len(turned), 1))
    return draw(turned, basis.triangles, colours, view).rgb


def widest_frame(motion: Motion, first: float, last: float) -> int:
    """The frame within these seconds on which the mouth is open most."""
    gap = lip_gap(open_basis(), motion)
    low = int(np.clip(np.ceil(first * motion.fps), 0, len(gap) - 1))
    high = int(np.clip(np.floor(last * motion.fps) + 1, low + 1, len(gap)))
    return low + int(np.argmax(gap[low:high]))
