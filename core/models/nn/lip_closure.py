# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips meet where the speech encoder hears m, b or p, and never pass through each other.

A network that averages over talkers leaves them a little open there, and one that speaks as the average of talkers
who press theirs and talkers who part them goes beyond their meeting. Ours, not in either paper. Only the part of the
coefficients that moves the gap is changed, by the least change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...face.basis import FaceBasis
from ...face.closures import gap_of_vectors
from ...face.region_chart import OPENING, region_chart
from ...face.rotations import FloatArray

# probabilities of shut lips: nothing happens under the first, from the second on they meet
_ONSET, _CERTAIN = 0.2, 0.4
# what a frame beside a closure takes over from it: lips need about 60 ms to meet and to part
_NEIGHBOUR_SHARE = 0.35
# signed gap of tracked talkers at m, b, p, cm: the landmarks lie on the rim of the lips, not where these touch
_MEETING_CM = 0.03
_ROUNDS = 2


def close_lips(vectors: NDArray[np.float32], closed: FloatArray, basis: FaceBasis) -> NDArray[np.float32]:
    """(T, 53) motion whose lips meet where ``closed`` (2 T,), the probability of shut lips at 50 Hz, is high.

    Nowhere is their gap smaller than where they meet.
    """
    share = closing_share(closed, len(vectors))
    gap = gap_of_vectors(basis, vectors.astype(np.float64))
    if not share.any() and gap.min() >= _MEETING_CM:
        return vectors
    # widens the gap by 1 cm and leaves the mouth's width, the brows and the lids where they are
    direction = region_chart(basis).directions[OPENING]
    closing = vectors.astype(np.float64)
    wanted = np.maximum(gap + share * np.minimum(_MEETING_CM - gap, 0.0), _MEETING_CM)
    for _ in range(_ROUNDS):
        closing += np.outer(wanted - gap_of_vectors(basis, closing), direction)
    return closing.astype(np.float32)


def closing_share(closed: FloatArray, frames: int) -> NDArray[np.float64]:
    """(T,) 0 leaves the lips as they are, 1 shuts them; ``closed`` (2 T,) at 50 Hz, motion at 25."""
    padded = np.pad(np.asarray(closed, np.float64), (1, 2 * frames), mode="constant")
    # a motion frame stands for the 40 ms around it: features 2 t - 1, 2 t, 2 t + 1
    probability = np.stack([padded[k : k + 2 * frames : 2] for k in range(3)]).max(axis=0)
    rise = np.clip((probability - _ONSET) / (_CERTAIN - _ONSET), 0.0, 1.0)
    share = rise**2 * (3.0 - 2.0 * rise)
    beside = np.maximum(np.pad(share, (1, 0))[:-1], np.pad(share, (0, 1))[1:])
    return np.maximum(share, _NEIGHBOUR_SHARE * beside)
