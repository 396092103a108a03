# SPDX-License-Identifier: GPL-3.0-or-later
"""``FaceTrack``: where the face's landmarks are in every frame of a video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# every n-th frame is searched for further people
CHECK_STRIDE = 10


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """Raw tracker output with the video's own timestamps.

    landmarks: (T, 478, 3) pixels, x right, y down, z away from the camera (MediaPipe's); NaN where invalid.
    seconds: (T,) presentation times. valid: (T,) a face was found.
    faces_seen: (K,) number of faces in each of the K frames that were checked for a second person.
    cuts: indices of frames that begin a new shot. chips: (T, 24, 24, 3) the face of every frame, upright and of one
    size; None for tracks that are known without their pictures. boxes: (faces, 4) left, top, width and height in
    pixels of the faces in each of the K checked frames, which are every :data:`CHECK_STRIDE`-th one.
    """

    landmarks: NDArray[np.float32]
    seconds: NDArray[np.float64]
    valid: NDArray[np.bool_]
    faces_seen: NDArray[np.int32]
    cuts: NDArray[np.int64]
    frame_width: int
    frame_height: int
    source: str
    chips: NDArray[np.uint8] | None = None
    boxes: tuple[NDArray[np.float32], ...] = ()

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def fps(self) -> float:
        """Median frame rate of the source."""
        if len(self) < 2:
            return 25.0
        return float(1.0 / np.median(np.diff(self.seconds)))
