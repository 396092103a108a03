# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a mouth is to be open for the eye when the motion's landmarks say how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..face.rotations import FloatArray

# the tracker, in whose landmarks all motion is written, puts the inner lips of a shut mouth up to 0.9 mm apart, sees
# openings of three to eight millimetres wider than they are and those of a centimetre narrower. What is open when it
# says so, in cm; from the last on as much more as it says. The mean of five heads over five sides
# (`make benchmark-rigs`), on clips of which nothing is reported
_TRACKED_CM = np.array([0.095, 0.25, 0.7, 1.0])
_OPEN_CM = np.array([0.0, 0.18, 0.59, 0.96])
# lips that only just touch at rest let light through from the side: shut is a hair beyond contact
_CONTACT_CM = -0.02
# from here, over so many centimetres, lips that rest over each other are drawn apart: begun a little before one sees
# it, or lips that nearly part would still sink into each other
_UNCOVERED_FROM_CM, _UNCOVERING_CM = 0.05, 0.22


@dataclass(frozen=True, slots=True, eq=False)
class LipTargets:
    """What the lips are to do, in T frames and C columns, in centimetres.

    gaps: (T, C) as seen. shifts: (T, C) of the upper lip against the lower one, towards the viewer, from rest.
    """

    gaps: FloatArray
    shifts: FloatArray


def visible_gap_targets(motion_gaps: FloatArray, rest: FloatArray) -> FloatArray:
    """(T, C) centimetres between the lips as seen, for the gaps of the motion's inner lips (T, C).

    rest: (C,) of the rig, negative where its lips lie over each other. Shut is how the rig rests, or contact if it
    rests open; from there the gap grows to what the motion shows, without a step.
    """
    targets: FloatArray = shut_gaps(rest) + uncovered(motion_gaps, rest) + _seen(motion_gaps)
    return targets


def shift_targets(motion_shifts: FloatArray, motion_gaps: FloatArray) -> FloatArray:
    """(T, C) centimetres that the upper lip comes nearer to the viewer than the lower one, from rest.

    As the motion has it (T, C) in an open mouth; shut lips lie as they rest, or they would press into each other.
    """
    apart = np.clip((motion_gaps - _TRACKED_CM[0]) / _UNCOVERING_CM, 0.0, 1.0)
    targets: FloatArray = apart * motion_shifts
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
    beyond = np.maximum(motion_gaps - _TRACKED_CM[-1], 0.0)
    seen: FloatArray = np.interp(motion_gaps, _TRACKED_CM, _OPEN_CM) + beyond
    return seen
