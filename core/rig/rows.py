# SPDX-License-Identifier: GPL-3.0-or-later
"""The equations of the solve: weighted landmark coordinates, then the visible gaps of the lips."""

from __future__ import annotations

import numpy as np

from ..face.landmarks import CHIN_POINTS, FACE_OVAL, INNER_LIPS, LANDMARK_COUNT, LIPS, SKIN_COUNT, UPPER_FACE
from ..face.rotations import FloatArray
from .face import RigFace

_LIP_WEIGHT, _INNER_LIP_WEIGHT = 3.0, 1.5
_UPPER_FACE_WEIGHT, _CHIN_WEIGHT, _OUTLINE_WEIGHT = 1.5, 2.0, 0.4
_DEPTH_WEIGHT = 0.5
_GAP_WEIGHT = 8.0
# lips that rest over each other press into each other when they slide along the line of sight: real FLAME's by
# 0.42 mm without this and by 0.26 with it, on clips of which nothing is reported. Lips that rest apart have nothing
# to slide into, and keys between 0 and 1 would miss the gaps for it
_SHIFT_WEIGHT = 4.0
_OVERLAPPING_CM = 0.05
# lips that lie over each other at rest may do so at the corners of an open mouth: keys that cannot part them there
# would tear at all the others
_GAP_SHARES = np.array([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
# while the jaw is found the chin leads, and the lips count only a little
_JAW_LIP_WEIGHT, _JAW_CHIN_WEIGHT, _JAW_GAP_WEIGHT = 0.3, 3.0, 4.0


def key_rows(displacement: FloatArray, gaps: FloatArray, face: RigFace) -> FloatArray:
    """(T, 478, 3) and (T, C) to (T, R) for the keys."""
    weights = _weights(face, lips=_LIP_WEIGHT, inner=_INNER_LIP_WEIGHT, chin=_CHIN_WEIGHT)
    return _rows(displacement, gaps, weights, _GAP_WEIGHT)


def shift_rows(shifts: FloatArray, face: RigFace) -> FloatArray:
    """(T, C) of the upper lip against the lower one along the line of sight to (T, C), besides :func:`key_rows`.

    All zero for lips that rest apart.
    """
    overlapping = np.clip(-np.median(face.lips.rest) / _OVERLAPPING_CM, 0.0, 1.0)
    rows: FloatArray = _SHIFT_WEIGHT * overlapping * shifts
    return rows


def jaw_rows(displacement: FloatArray, gaps: FloatArray, face: RigFace) -> FloatArray:
    """The same for the jaw: the chin leads."""
    weights = _weights(face, lips=_JAW_LIP_WEIGHT, inner=_JAW_LIP_WEIGHT, chin=_JAW_CHIN_WEIGHT)
    return _rows(displacement, gaps, weights, _JAW_GAP_WEIGHT)


def _rows(displacement: FloatArray, gaps: FloatArray, weights: FloatArray, gap_weight: float) -> FloatArray:
    # not -1: there may be no frame
    flat = (displacement * weights).reshape(len(displacement), displacement.shape[1] * displacement.shape[2])
    return np.concatenate([flat, gap_weight * _GAP_SHARES * gaps], axis=1)


def _weights(face: RigFace, lips: float, inner: float, chin: float) -> FloatArray:
    """(478, 3) importance of each landmark coordinate: the outline and depth are soft knowledge.

    The inner lips count little for themselves: where they are bound, and what of them is seen, are two things.
    """
    weights = np.ones((LANDMARK_COUNT, 3))
    weights[FACE_OVAL] = _OUTLINE_WEIGHT
    weights[UPPER_FACE] = _UPPER_FACE_WEIGHT
    weights[CHIN_POINTS] = chin
    weights[LIPS] = lips
    weights[INNER_LIPS] = inner
    weights[:, 2] *= _DEPTH_WEIGHT
    weights[SKIN_COUNT:] = 0.0
    return weights * face.valid[:, None]
