# SPDX-License-Identifier: GPL-3.0-or-later
"""Input of the identity encoder: twelve distances of a neutral face, in place of a FLAME shape vector.

The tracker gives landmarks, not FLAME coefficients. The paper's identity input is not published (docs/papers.md 1.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...face.basis import FaceBasis
from ...face.rotations import FloatArray

# between: mouth corners; outer lips; upper lip's edges; lower lip's; nose and lip; lip and chin; cheeks; jaw angles;
# forehead and chin; inner eye corners; lids; brow and lid
_DISTANCES = np.array(
    [
        *([61, 291], [0, 17], [0, 13], [14, 17], [2, 0], [17, 152], [234, 454], [172, 397]),
        *([10, 152], [133, 362], [159, 145], [105, 159]),
    ]
)
IDENTITY_SIZE = len(_DISTANCES)
# typical difference of a distance between faces of one size, cm
_SPREAD_CM = 0.4


def identity_vector(neutral: FloatArray, basis: FaceBasis) -> NDArray[np.float32]:
    """(478, 3) neutral landmarks in cm, pose-free, to (12,) scaled differences from the mean face, which gives 0."""
    return ((_distances(np.asarray(neutral)) - _distances(basis.neutral)) / _SPREAD_CM).astype(np.float32)


def _distances(landmarks: FloatArray) -> FloatArray:
    pairs = landmarks[_DISTANCES]
    return np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1)
