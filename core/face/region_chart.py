# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of a face basis as linear maps: what 53 motion values do to mouth, brows, lids and jaw, and back."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .basis import FaceBasis
from .landmarks import (
    BROW_LEFT,
    BROW_RIGHT,
    LANDMARK_COUNT,
    LID_PAIRS,
    MOUTH_CORNER_LEFT,
    MOUTH_CORNER_RIGHT,
    OPENING_PAIRS,
    OUTER_LIPS,
    STABLE,
)
from .motion import EXPRESSION_SIZE, MOTION_SIZE
from .rotations import FloatArray

SIGNALS = ("opening", "width", "rounding", "brows", "lids", "jaw", "corner_side", "corner_tilt", "brow_side")
OPENING, WIDTH, ROUNDING, BROWS, LIDS, JAW, CORNER_SIDE, CORNER_TILT, BROW_SIDE = range(len(SIGNALS))
# typical spread of a coefficient (two training deviations are one unit) and of the jaw in radians
EXPRESSION_SPREAD = 0.5
JAW_SPREAD_RADIANS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class RegionChart:
    """The regions of one basis as linear maps.

    signals: (53, 9) motion to ``SIGNALS``, centimetres from rest (jaw: radians). directions: (9, 53) the easiest
    change of the motion that moves one signal by one unit and no other. corner_height: (53,) to the mouth corners'
    mean height, which nothing holds in place. lid_gap_cm: the resting eye's.
    """

    basis: FaceBasis
    signals: NDArray[np.float64]
    directions: NDArray[np.float64]
    corner_height: NDArray[np.float64]
    lid_gap_cm: float


@functools.lru_cache(maxsize=4)
def region_chart(basis: FaceBasis) -> RegionChart:
    """Derived from the basis' landmarks; least change in units of each value's typical spread."""
    displacement = displacement_per_value(basis)
    signals = displacement.reshape(MOTION_SIZE, -1) @ _landmark_signals().T
    signals[:, JAW] = 0.0
    signals[EXPRESSION_SIZE:, JAW] = basis.hinge_axis
    spread = np.full(MOTION_SIZE, EXPRESSION_SPREAD)
    # the jaw only turns about its hinge
    spread[EXPRESSION_SIZE:] = JAW_SPREAD_RADIANS * np.abs(basis.hinge_axis)
    eased = spread[:, None] ** 2 * signals
    directions = np.linalg.solve(signals.T @ eased, eased.T)
    lids = basis.neutral[LID_PAIRS, 1].astype(np.float64)
    corners = displacement[:, [MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT], 1].mean(axis=1)
    height = corners - displacement[:, STABLE, 1].mean(axis=1)
    return RegionChart(basis, signals, directions, height, float((lids[:, 0] - lids[:, 1]).mean()))


def displacement_per_value(basis: FaceBasis) -> NDArray[np.float64]:
    """(53, 478, 3) cm per unit of each motion value: the expression's directions, then the jaw's tangents at rest."""
    return np.concatenate([basis.directions, _jaw_tangents(np.eye(3), basis)]).astype(np.float64)


def displacement_per_hinged_value(basis: FaceBasis) -> NDArray[np.float64]:
    """(51, 478, 3) as :func:`displacement_per_value`, with one angle about the hinge's axis for the jaw."""
    return np.concatenate([basis.directions, _jaw_tangents(basis.hinge_axis[None], basis)]).astype(np.float64)


def _jaw_tangents(axes: FloatArray, basis: FaceBasis) -> FloatArray:
    # (K, 478, 3) cm per radian about each of (K, 3) axes through the hinge
    return np.cross(axes[:, None], basis.neutral - basis.hinge_point) * basis.jaw_weights[:, None]


def _landmark_signals() -> NDArray[np.float64]:
    """(9, 478 * 3): each signal as a weighted sum of landmark coordinates; the jaw's row is empty."""
    rows = np.zeros((len(SIGNALS), LANDMARK_COUNT, 3))

    def add(signal: int, points: NDArray[np.integer] | int, axis: int, weight: float) -> None:
        chosen = np.atleast_1d(points)
        np.add.at(rows[signal, :, axis], chosen, weight / len(chosen))

    corners = np.array([MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT])
    for signal, pairs in ((OPENING, OPENING_PAIRS), (LIDS, LID_PAIRS)):
        add(signal, pairs[:, 0], 1, 1.0)
        add(signal, pairs[:, 1], 1, -1.0)
    add(WIDTH, MOUTH_CORNER_LEFT, 0, 1.0)
    add(WIDTH, MOUTH_CORNER_RIGHT, 0, -1.0)
    # both corners towards the person's left: positive where the left one goes further out
    add(CORNER_SIDE, corners, 0, 2.0)
    add(CORNER_SIDE, STABLE, 0, -2.0)
    add(CORNER_TILT, MOUTH_CORNER_LEFT, 1, 1.0)
    add(CORNER_TILT, MOUTH_CORNER_RIGHT, 1, -1.0)
    add(ROUNDING, OUTER_LIPS, 2, 1.0)
    add(ROUNDING, STABLE, 2, -1.0)
    add(BROWS, np.concatenate([BROW_LEFT, BROW_RIGHT]), 1, 1.0)
    add(BROWS, STABLE, 1, -1.0)
    add(BROW_SIDE, BROW_LEFT, 1, 1.0)
    add(BROW_SIDE, BROW_RIGHT, 1, -1.0)
    return rows.reshape(len(SIGNALS), -1)
