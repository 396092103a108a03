# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a mouth is to be open for the eye when the motion's landmarks say how far they are apart."""

from __future__ import annotations

import numpy as np

from ..face.rotations import FloatArray

# the tracker, in whose landmarks all motion is written, sees the inner lips of a shut mouth this far apart (cm); of an
# open one it sees 0.93-1.18 of what is dark, on the mean over five sides of a head, and 1.03 on the mean of heads
# (`make benchmark-rigs`)
TOUCHING_CM = 0.1
SEEN_SHARE = 0.97
# lips that only just touch at rest let light through from the side: shut is a hair beyond contact
_CONTACT_CM = -0.02
# from here, over so many centimetres, lips that rest over each other are drawn apart: begun a little before one sees
# it, or lips that nearly part would still sink into each other
_UNCOVERED_FROM_CM, _UNCOVERING_CM = 0.05, 0.22


def visible_gap_targets(motion_gaps: FloatArray, rest: FloatArray) -> FloatArray:
    """(T, C) centimetres between the lips as seen, for the gaps of the motion's inner lips (T, C).

    rest: (C,) of the rig, negative where its lips lie over each other. Shut is how the rig rests, or contact if it
    rests open; from there the gap grows to what the motion shows, without a step.
    """
    targets: FloatArray = shut_gaps(rest) + uncovered(motion_gaps, rest) + _seen(motion_gaps)
    return targets


def shut_gaps(rest: FloatArray) -> FloatArray:
    """(C,) gaps of the rig's shut mouth."""
    shut: FloatArray = np.minimum(rest, _CONTACT_CM)
    return shut


def uncovered(motion_gaps: FloatArray, rest: FloatArray) -> FloatArray:
    """(T, C) centimetres of opening that nobody sees: lips that lie over each other are drawn apart first."""
    way = np.clip((motion_gaps - _UNCOVERED_FROM_CM) / _UNCOVERING_CM, 0.0, 1.0)
    apart: FloatArray = -shut_gaps(rest) * way * (2.0 - way)
    return apart


def _seen(motion_gaps: FloatArray) -> FloatArray:
    seen: FloatArray = SEEN_SHARE * np.maximum(motion_gaps - TOUCHING_CM, 0.0)
    return seen
