# SPDX-License-Identifier: GPL-3.0-or-later
"""What one person's face does otherwise than the mean speaker's, by how alike the moment is to moments of a clip.

The mean of a Gaussian process (Rasmussen & Williams 2006, equation 2.25) with a Gaussian kernel on the mean speaker's
motion: near a moment that the clip showed the correction is what was seen there, far from all of them none. numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..face.motion import EXPRESSION_SIZE, MOTION_SIZE, Motion
from ..weights import require_sane

FloatArray = NDArray[np.float32]
_LARGEST = 1e6
_MOST_MOMENTS = 10_000
# frames that are compared with the clip's at a time
_BLOCK = 2000
_NAMES = ("moments", "answers", "centre", "spread", "shift")


@dataclass(frozen=True, slots=True, eq=False)
class LikenessCorrection:
    """Corrects motion vectors (T, 53) of the mean speaker and of the adapted network to the person's.

    moments: (N, 53) the mean speaker's motion at the clip's moments, less ``centre`` (53,) and over ``spread`` (53,).
    answers: (N, 53) what each moment adds times how alike it is. shift: (53,) added always. learnt_share: how much of
    what the adapted network does otherwise is kept.
    """

    moments: FloatArray
    answers: FloatArray
    centre: FloatArray
    spread: FloatArray
    shift: FloatArray
    learnt_share: float

    def __post_init__(self) -> None:
        frames = len(self.moments)
        shapes = {"moments": (frames, MOTION_SIZE), "answers": (frames, MOTION_SIZE)}
        for name in _NAMES:
            array, wanted = getattr(self, name), shapes.get(name, (MOTION_SIZE,))
            if array.shape != wanted or not np.isfinite(array).all():
                raise ValueError(f"{name} has shape {array.shape}, expected finite {wanted}")
            require_sane(name, array, _LARGEST)
        if frames > _MOST_MOMENTS or (self.spread <= 0).any() or not 0 <= self.learnt_share <= 1:
            raise ValueError(f"{frames} moments, spread from {self.spread.min()}, share {self.learnt_share}")

    def corrected(self, mean: FloatArray, adapted: FloatArray, strength: float) -> NDArray[np.float32]:
        """(T, 53) the person's motion; ``adapted`` is the network's at the same strength. Strength 0 is ``mean``."""
        added = np.concatenate([self._added(mean[a : a + _BLOCK]) for a in range(0, max(len(mean), 1), _BLOCK)])
        return (mean + self.learnt_share * (adapted - mean) + strength * (added + self.shift)).astype(np.float32)

    def _added(self, mean: FloatArray) -> NDArray[np.float32]:
        return alike(standardised(mean, self.centre, self.spread), self.moments) @ self.answers

    def arrays(self, prefix: str) -> dict[str, NDArray[np.generic]]:
        """For a file, every name behind the prefix."""
        return {prefix + name: getattr(self, name).astype(np.float32) for name in _NAMES}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]], prefix: str, learnt_share: float) -> Self:
        """Inverse of :meth:`arrays`. Raises KeyError or ValueError on nonsense."""
        known = {name: arrays[prefix + name].astype(np.float32) for name in _NAMES}
        return cls(**known, learnt_share=learnt_share)


def corrected_motion(motion: Motion, corrections: Sequence[tuple[LikenessCorrection | None, float]]) -> Motion:
    """The motion with each correction in its strength, all told from the motion as it was; None changes nothing."""
    vector = motion.face_vector()
    changed = vector
    for correction, strength in corrections:
        if correction is not None and strength != 0:
            changed = changed + (correction.corrected(vector, vector, strength) - vector)
    if changed is vector:
        return motion
    return motion.replace(expression=changed[:, :EXPRESSION_SIZE], jaw=changed[:, EXPRESSION_SIZE:])


def standardised(motion: FloatArray, centre: FloatArray, spread: FloatArray) -> NDArray[np.float32]:
    """(T, 53) such that two moments that differ by ``spread`` in every value are at distance 1."""
    return ((motion - centre) / spread / np.sqrt(MOTION_SIZE)).astype(np.float32)


def alike(asked: FloatArray, known: FloatArray) -> NDArray[np.float32]:
    """(T, N) from 1 for the same to 0: exp(-distance ** 2 / 2)."""
    squares = (asked**2).sum(axis=1)[:, None] + (known**2).sum(axis=1)[None]
    likeness: NDArray[np.float32] = np.exp(-0.5 * np.maximum(squares - 2.0 * asked @ known.T, 0.0))
    return likeness
