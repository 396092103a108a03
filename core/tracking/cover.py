# SPDX-License-Identifier: GPL-3.0-or-later
"""Something before the mouth: a landmarker draws a mouth onto whatever covers it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .face_track import FaceTrack

# of the chip: the mouth with the chin, and the skin beside the nose
_MOUTH = (slice(15, 22), slice(7, 17))
_CHEEKS = (slice(8, 13), slice(3, 21))
# difference of brightness and colour between mouth and cheeks that lips and a beard never reach
COVER_LIMIT = 0.75


def covered_frames(track: FaceTrack) -> NDArray[np.bool_]:
    """(T,) where the mouth does not have a face's colours; nowhere in a track without pictures."""
    if track.chips is None:
        return np.zeros(len(track), bool)
    return (mouth_strangeness(track.chips) > COVER_LIMIT) & track.valid


def mouth_strangeness(chips: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(T,) distance of the mouth's colour from the cheeks', in logarithms of red, green and blue."""
    mouth = np.median(chips[:, _MOUTH[0], _MOUTH[1]].reshape(len(chips), -1, 3), axis=1)
    cheeks = np.median(chips[:, _CHEEKS[0], _CHEEKS[1]].reshape(len(chips), -1, 3), axis=1)
    return np.abs(np.log(mouth + 16.0) - np.log(cheeks + 16.0)).max(axis=1)
