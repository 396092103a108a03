# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion as Apple's 52 values between 0 and 1, by bounded least squares on the bundled target.

Lips count most, and their gap is an equation of its own, so that lips which meet in the motion meet in the values.
Blinks are read off the lids, the eyes' directions off the gaze.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.landmarks import CHIN_POINTS, LIPS, SKIN_COUNT
from ..face.lids import lid_chart
from ..face.motion import Motion
from ..face.rotations import FloatArray
from ..rig.bounded import solve_bounded
from ..rig.conventions.controls import GAZE_WAYS
from ..rig.face import lip_gaps
from ..rig.plan_bones import GAZE_KEY_RADIANS
from .names import SHAPES
from .shapes import arkit_shapes

_BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
# of a point against one of the cheek, and of a centimetre of lip gap against one of a lip's point
_LIP_WEIGHT, _CHIN_WEIGHT, _GAP_WEIGHT = 4.0, 1.5, 12.0
_RIDGE = 4e-3
_CHUNK_FRAMES = 400


def arkit_values(motion: Motion) -> NDArray[np.float64]:
    """(T, 52) in the order of :data:`~core.arkit.names.SHAPES`, each 0..1.

    Raises :class:`ModelError` for a motion of another basis.
    """
    basis, solve = open_basis(), _prepared()
    motion.require_basis(basis.hash)
    chart = lid_chart(basis)
    values = np.zeros((len(motion), len(SHAPES)))
    for first in range(0, len(motion), _CHUNK_FRAMES):
        part = motion.part(first, first + _CHUNK_FRAMES)
        open_eyed = part.replace(expression=chart.opened(part.expression))
        moved = basis.displacement(open_eyed).astype(np.float64)
        values[first : first + len(part), solve.places] = solve.values(moved)
    values[:, [SHAPES.index(name) for name in _BLINKS]] = chart.closure_of(motion.expression)
    for name, (eye, axis, sign) in GAZE_WAYS.items():
        values[:, SHAPES.index(name)] = sign * motion.gaze[:, eye, axis] / GAZE_KEY_RADIANS
    return np.clip(values, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Solve:
    """places: of the K shapes that move skin. design: (K, R) weighted rows; gram: (K, K) with the ridge."""

    places: NDArray[np.intp]
    design: NDArray[np.float64]
    gram: NDArray[np.float64]

    def values(self, moved: FloatArray) -> FloatArray:
        """(T, K) of (T, 478, 3) displacements."""
        return solve_bounded(self.gram, _rows(moved) @ self.design.T)


@functools.lru_cache(maxsize=1)
def _prepared() -> _Solve:
    shapes = arkit_shapes()
    skin = np.abs(shapes).max(axis=(1, 2)) > 0
    skin[[SHAPES.index(name) for name in _BLINKS]] = False
    places = np.flatnonzero(skin)
    design = _rows(shapes[places])
    gram = design @ design.T
    return _Solve(places, design, gram + _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)))


def _rows(moved: FloatArray) -> NDArray[np.float64]:
    """(N, 478, 3) to (N, R): weighted points without irises, then the lips' gaps."""
    weights = np.zeros(moved.shape[1])
    weights[:SKIN_COUNT] = 1.0
    weights[CHIN_POINTS] = _CHIN_WEIGHT
    weights[LIPS] = _LIP_WEIGHT
    points = (moved * weights[:, None]).reshape(len(moved), -1)
    return np.concatenate([points, _GAP_WEIGHT * lip_gaps(np.asarray(moved))], axis=1)
