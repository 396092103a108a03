# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the lips of a head that speaks the face basis' own components from sinking into each other.

Such a head takes the motion as it is. But a tracked mouth that is pressed shut has its lips' landmarks pass each other
by a millimetre, and what is a number there is a lip inside a lip on a mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.rotations import FloatArray
from .face import RigFace
from .opening import shut_gaps
from .rows import key_rows

# deeper than at rest by less nobody sees, and the motion stays what it is to the bit
_TOLERATED_CM = 0.015
_PASSES = 3
_RIDGE = 2e-2
_CHUNK_FRAMES = 400


@dataclass(frozen=True, slots=True, eq=False)
class NativeLips:
    """face: the head. design: (R, K) what a unit of each component changes; gram: (K, K) with the ridge."""

    face: RigFace
    design: FloatArray
    gram: FloatArray

    def kept_apart(self, key_values: NDArray[np.float32], jaw: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, K) components with the least change that leaves the lips (almost) no deeper than at rest."""
        kept = key_values.copy()
        for start in range(0, len(kept), _CHUNK_FRAMES):
            part = slice(start, start + _CHUNK_FRAMES)
            kept[part] = self._kept_apart(key_values[part].astype(np.float64), jaw[part].astype(np.float64))
        return kept

    def _kept_apart(self, values: FloatArray, jaw: FloatArray) -> FloatArray:
        least = shut_gaps(self.face.lips.rest) - _TOLERATED_CM
        sunk = (self.face.lips.gaps(values, jaw) < least).any(axis=1)
        still = np.zeros((int(sunk.sum()), *self.face.neutral.shape))
        kept = values.copy()
        for _ in range(_PASSES):
            missing = np.maximum(least - self.face.lips.gaps(kept[sunk], jaw[sunk]), 0.0)
            correlations = key_rows(still, missing, self.face) @ self.design
            kept[sunk] += np.linalg.solve(self.gram, correlations.T).T
        return kept


def native_lips(face: RigFace) -> NativeLips:
    """For a head whose keys are the basis' components."""
    design = key_rows(face.keys, face.lips.gaps_per_key(), face).T
    energy = float((design**2).sum(axis=0).mean())
    return NativeLips(face, design, design.T @ design + _RIDGE * energy * np.eye(design.shape[1]))
