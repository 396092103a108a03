# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of a motion on the landmarks' own face, for takes and reports. numpy; needs no GPU and no scene."""

from __future__ import annotations

import struct
import zlib

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


def png(rgb: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) as a PNG file, as section 5 of its specification (W3C, third edition) lays it out."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = rgb.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), rgb.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
