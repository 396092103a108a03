# SPDX-License-Identifier: GPL-3.0-or-later
"""One signal per part of the face: what amplitude ratios and style statistics are taken from.

Input everywhere: pose-free landmarks (T, 478, 3) in centimetres, x right in the picture, y up, z towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.landmarks import (
    BROW_LEFT,
    BROW_RIGHT,
    CHIN_POINTS,
    LID_PAIRS,
    MOUTH_CORNER_LEFT,
    MOUTH_CORNER_RIGHT,
    OUTER_LIPS,
    STABLE,
    mouth_opening,
)
from core.face.rotations import FloatArray

REGIONS = ("opening", "width", "rounding", "brows", "lids", "jaw")


@dataclass(frozen=True, slots=True)
class RegionRatios:
    """Spread of the generated signal over the spread of the true one, per region; 1 is right, 0 is dead."""

    opening: float
    width: float
    rounding: float
    brows: float
    lids: float
    jaw: float


def region_signals(landmarks: FloatArray) -> NDArray[np.float64]:
    """(T, 6) centimetres in the order of ``REGIONS``.

    opening: gap of the inner lips. width: distance of the mouth's corners. rounding: how far the lips stand out
    before the stable skin. brows, jaw: height of brows and of the chin's skin. lids: gap between the lids.
    """
    points = np.asarray(landmarks, np.float64)
    anchor = points[:, STABLE].mean(axis=1)
    lids = np.linalg.norm(points[:, LID_PAIRS[:, 0]] - points[:, LID_PAIRS[:, 1]], axis=-1).mean(axis=1)
    brows = points[:, np.concatenate([BROW_LEFT, BROW_RIGHT]), 1].mean(axis=1)
    return np.stack(
        [
            mouth_opening(points),
            np.linalg.norm(points[:, MOUTH_CORNER_LEFT] - points[:, MOUTH_CORNER_RIGHT], axis=-1),
            points[:, OUTER_LIPS, 2].mean(axis=1) - anchor[:, 2],
            brows - anchor[:, 1],
            lids,
            points[:, CHIN_POINTS, 1].mean(axis=1) - anchor[:, 1],
        ],
        axis=1,
    )


def amplitude_ratios(truth: FloatArray, generated: FloatArray) -> RegionRatios:
    """Per region, standard deviation over time of the generated signal over that of the true one.

    Source: the amplitude comparison usual in lip-sync evaluation (e.g. the mouth-opening difference of StreamingTalker
    compares means; we compare spreads, which an offset of the resting face cannot hide).
    """
    frames = min(len(truth), len(generated))
    wanted, given = (region_signals(item[:frames]).std(axis=0) for item in (truth, generated))
    return RegionRatios(*(float(value) for value in given / np.maximum(wanted, 1e-6)))
