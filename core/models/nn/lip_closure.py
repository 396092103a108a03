# SPDX-License-Identifier: GPL-3.0-or-later
"""Lip-closure constraint: the lips touch on bilabials (m, b, p) and never interpenetrate.

A network trained on many speakers predicts the mean of their lip gaps, which stays a little open on a bilabial, or
falls below contact where some speakers press their lips. So the gap of the predicted motion is set to contact in
proportion to the encoder's closure probability. The change is the smallest one, in units of each value's spread,
that moves the gap and no other region (:mod:`core.face.region_chart`). Ours; neither paper has it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...face.basis import FaceBasis
from ...face.closures import gap_of_vectors
from ...face.region_chart import OPENING, region_chart
from ...face.rotations import FloatArray

# closure probability: no constraint below the first, full contact from the second on
_ONSET, _CERTAIN = 0.2, 0.4
# share of a closure that its neighbouring frames take over: lips need about 60 ms to meet and to part
_NEIGHBOUR_SHARE = 0.35
# signed gap of tracked speakers at m, b, p, cm: the landmarks lie on the rim of the lips, not where these touch
_CONTACT_CM = 0.03
_ROUNDS = 2


def close_lips(vectors: NDArray[np.float32], closed: FloatArray, basis: FaceBasis) -> NDArray[np.float32]:
    """(T, 53) motion at 25 fps with the lip-closure constraint.

    closed: (2 T,) closure probability at 50 Hz. The lip gap, in cm, is contact where that is high and nowhere less.
    """
    return close_by_share(vectors, closing_share(closed, len(vectors)), basis)


def close_by_share(vectors: NDArray[np.float32], share: FloatArray, basis: FaceBasis) -> NDArray[np.float32]:
    """(T, 53) with the constraint in the strength (T,) of :func:`closing_share`; each frame by itself."""
    gap = gap_of_vectors(basis, vectors.astype(np.float64))
    if not share.any() and gap.min() >= _CONTACT_CM:
        return vectors
    # widens the gap by 1 cm and leaves the mouth's width, the brows and the lids where they are
    direction = region_chart(basis).directions[OPENING]
    closing = vectors.astype(np.float64)
    target = np.maximum(gap + share * np.minimum(_CONTACT_CM - gap, 0.0), _CONTACT_CM)
    for _ in range(_ROUNDS):
        closing += np.outer(target - gap_of_vectors(basis, closing), direction)
    return closing.astype(np.float32)


def closing_share(closed: FloatArray, frames: int) -> NDArray[np.float64]:
    """(T,) strength of the constraint at 25 fps, 0 for none to 1 for contact; ``closed`` (2 T,) is at 50 Hz."""
    padded = np.pad(np.asarray(closed, np.float64), (1, 2 * frames), mode="constant")
    # a motion frame stands for the 40 ms around it: features 2 t - 1, 2 t, 2 t + 1
    probability = np.stack([padded[k : k + 2 * frames : 2] for k in range(3)]).max(axis=0)
    rise = np.clip((probability - _ONSET) / (_CERTAIN - _ONSET), 0.0, 1.0)
    share = rise**2 * (3.0 - 2.0 * rise)
    neighbours = np.maximum(np.pad(share, (1, 0))[:-1], np.pad(share, (0, 1))[1:])
    return np.maximum(share, _NEIGHBOUR_SHARE * neighbours)
