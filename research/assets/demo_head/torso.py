# SPDX-License-Identifier: GPL-3.0-or-later
"""Shoulders and chest of the demo head, from the neck down to where the bust is cut off level.

A few cross-sections with the measures of an average adult, joined by a smooth curve in every column of the loft.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator


@dataclass(frozen=True, slots=True)
class _Section:
    """A rounded box seen from above, cm: half sizes, where its middle lies, and its height at side, front and back.

    squareness: 2 is an ellipse, more is squarer.
    """

    half_width: float
    half_depth: float
    middle_z: float
    side_y: float
    front_y: float
    back_y: float
    squareness: float


# collar bones and trapezius, acromion, deltoid, chest, the cut
_SECTIONS = (
    _Section(8.2, 6.4, -9.6, -19.0, -20.3, -18.7, 2.0),
    _Section(12.8, 8.2, -10.2, -20.9, -23.2, -21.6, 2.1),
    _Section(17.6, 9.5, -10.4, -23.1, -26.3, -25.0, 2.25),
    _Section(20.6, 10.4, -10.2, -26.1, -29.8, -28.8, 2.4),
    _Section(21.6, 11.0, -9.9, -30.6, -33.5, -33.0, 2.5),
    _Section(21.4, 11.2, -9.7, -37.0, -37.0, -37.0, 2.5),
)


def torso_rings(neck: NDArray[np.float64], angle: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(count, C, 3) rings from below the neck's last ring (C, 3) to the cut.

    angle: (C,) of each column round the body, 0 at the back, a quarter turn at the sides.
    """
    knots = np.stack([neck, *(_section_ring(section, angle) for section in _SECTIONS)])
    places = np.arange(1, count + 1) * (len(_SECTIONS) / count)
    return np.asarray(PchipInterpolator(np.arange(len(knots)), knots, axis=0)(places))


def _section_ring(section: _Section, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    across, back = np.sin(angle), np.cos(angle)
    power = 2.0 / section.squareness
    end_y = np.where(back > 0, section.back_y, section.front_y)
    return np.stack(
        [
            section.half_width * np.sign(across) * np.abs(across) ** power,
            section.side_y * across**2 + end_y * back**2,
            section.middle_z - section.half_depth * np.sign(back) * np.abs(back) ** power,
        ],
        axis=1,
    )
