# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face looks like, whatever it says: to see that the picture shows somebody else now, and who is the same."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.landmarks import SKIN_COUNT
from ..face.rotations import rotvec_from_matrix
from .align import align

# of the chip: eyes, brows and nose, which speaking does not move
_UPPER_ROWS = slice(2, 14)
_SKIN = (slice(8, 16), slice(6, 18))
# a change of look beyond these is looked into; looks of one person 0.4 s apart differ by less
_STRUCTURE_LIMIT = 0.25
_COLOUR_LIMIT = 0.12
_TOGETHER_LIMIT = 0.25
_TURN_DEGREES = 8.0
# root mean square of landmarks, of the upper face's own: chosen on the people that may be trained on
# (research/evaluation/people.py)
SAME_PERSON_LIMIT = 0.022
# landmarks from the nose's tip up
_UPPER_FROM_CM_UNDER_THE_NOSE = 0.5
_NOSE_TIP = 1


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """structure: light and dark of the upper face, without its brightness; colour: of the skin; pose: degrees.

    shape: (N, 2) the upper face's landmarks without pose and size.
    """

    structure: NDArray[np.float32]
    colour: NDArray[np.float32]
    pose: NDArray[np.float64]
    shape: NDArray[np.float64]

    def differs_from(self, other: Look) -> float:
        """Over 1 where light, framing or the person has changed. A head that has turned may differ more."""
        turned = float(np.linalg.norm(self.pose - other.pose))
        structure = (1.0 - float(np.corrcoef(self.structure, other.structure)[0, 1])) / (1.0 + turned / _TURN_DEGREES)
        colour = float(np.abs(self.colour - other.colour).max())
        seen = max(structure / _STRUCTURE_LIMIT, colour / _COLOUR_LIMIT, (structure + colour) / _TOGETHER_LIMIT)
        return max(seen, self.apart_from(other))

    def apart_from(self, other: Look) -> float:
        """Over 1 where two looks are of different people, by the shape of their faces: no light changes that."""
        return float(np.sqrt(((self.shape - other.shape) ** 2).sum(axis=1).mean())) / SAME_PERSON_LIMIT


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What makes a look, of every frame with a face."""

    structure: NDArray[np.float32]
    colour: NDArray[np.float32]
    pose: NDArray[np.float64]
    shape: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: NDArray[np.float32], chips: NDArray[np.uint8]) -> Looks:
        """landmarks: (T, 478, 3) pixels, all found; chips: (T, 24, 24, 3)."""
        upper = chips[:, _UPPER_ROWS].astype(np.float32).mean(axis=3)
        upper -= upper.mean(axis=(1, 2), keepdims=True)
        upper /= upper.std(axis=(1, 2), keepdims=True) + 4.0
        frames, rows, columns = upper.shape
        coarse = upper.reshape(frames, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))
        skin = chips[:, _SKIN[0], _SKIN[1]].astype(np.float32).mean(axis=(1, 2))
        brightness = skin.mean(axis=1, keepdims=True)
        colour = np.concatenate([3.0 * skin / (brightness + 8.0), np.log(brightness + 16.0)], axis=1)
        free = align(landmarks, open_basis().neutral)
        pose = np.degrees(rotvec_from_matrix(free.rotation))
        return cls(coarse.reshape(frames, -1), colour, pose, upper_shapes(free.landmarks))

    def look(self, part: slice) -> Look:
        """The median over some frames."""
        values = (self.structure, self.colour, self.pose, self.shape)
        return Look(*(np.median(item[part], axis=0) for item in values))


def upper_shapes(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, N, 2) seen from the front, centred and of size one."""
    upper = landmarks[:, _upper_points()]
    upper = upper - upper.mean(axis=1, keepdims=True)
    size = np.sqrt((upper**2).sum(axis=2).mean(axis=1))
    shape: NDArray[np.float64] = (upper / size[:, None, None])[:, :, :2]
    return shape


@functools.cache
def _upper_points() -> NDArray[np.int64]:
    neutral = open_basis().neutral[:SKIN_COUNT]
    return np.flatnonzero(neutral[:, 1] > neutral[_NOSE_TIP, 1] - _UPPER_FROM_CM_UNDER_THE_NOSE)
