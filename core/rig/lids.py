# SPDX-License-Identifier: GPL-3.0-or-later
"""Shuts a rig's eyes when the motion's are shut, however far open the two faces are at rest.

Lids that follow the basis' centimetres would stop half way on wider eyes. So closing is taken out of the motion as
a share of the way, and put back with the rig's own means: its blink keys if it has them, else whatever keys move
its lids and little else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.lids import LidChart, lid_chart, make_lid_chart
from ..face.motion import Motion
from .conventions.base import RigConvention
from .description import RigDescription
from .face import RigFace

# eyes less open than this on average (cm) are no eyes that could blink
_LEAST_OPENING_CM = 0.2
_NEARLY_SHUT = 0.85


@dataclass(frozen=True, slots=True, eq=False)
class RigLids:
    """How a rig's eyes shut.

    motion_lids: of the face basis. blink_keys: (2, K) which keys shut the left and the right eye (rows of 0, 1);
    rig_lids: of a rig without such keys. within: whose bounds the components keep; None for a rig that cannot shut
    its eyes within them.
    """

    motion_lids: LidChart
    blink_keys: NDArray[np.float64] | None
    rig_lids: LidChart | None
    within: RigConvention | None = None

    def without_closing(self, motion: Motion) -> Motion:
        """The motion with its eyes never less open than at rest."""
        return motion.replace(expression=self.motion_lids.opened(motion.expression))

    def close(self, key_values: NDArray[np.float32], motion: Motion) -> NDArray[np.float32]:
        """(T, K) keys with the eyes shut as far as those of ``motion``."""
        closure = self.motion_lids.closure_of(motion.expression)
        if self.blink_keys is not None:
            return np.clip(key_values + closure @ self.blink_keys, 0.0, 1.0).astype(np.float32)
        if self.rig_lids is None:
            return key_values
        closed = self.rig_lids.closed(key_values, closure)
        return closed if self.within is None else _bounded(self.rig_lids, self.within, closed, key_values)

    def gaze_beside_blinks(self, motion: Motion) -> NDArray[np.float32]:
        """(T, 2, 2) gaze whose pitch fades out as the eye shuts.

        An ``eyeLookDown`` key lowers the lid as well, and with the blink key it would go too far.
        """
        gaze = motion.gaze.copy()
        gaze[..., 0] *= 1.0 - self.motion_lids.closure_of(motion.expression)
        return gaze


def rig_lids(rig: RigDescription, face: RigFace, basis: FaceBasis) -> RigLids | None:
    """None where the basis or the rig has no eyes to shut, or no keys to do it with."""
    chart = lid_chart(basis)
    if not _has_eyes(chart):
        return None
    keys = rig.convention.blink_sides(rig.key_meanings)
    if keys is not None:
        return RigLids(chart, keys, None) if keys.any() else None
    own = make_lid_chart(face.neutral, face.keys * face.valid[:, None])
    if not (_has_eyes(own) and _shuts(own)):
        return None
    still = np.zeros((1, len(own.gaps)), np.float32)
    shut = _bounded(own, rig.convention, own.closed(still, np.ones(1)), still)
    return RigLids(chart, None, own, rig.convention if own.closure_of(shut).min() > _NEARLY_SHUT else None)


def _bounded(
    lids: LidChart, convention: RigConvention, closed: NDArray[np.float32], before: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(T, K) the same least change of the keys as the chart's, now within the convention's bounds."""
    moved = (closed != before).any(axis=1)
    bounded: NDArray[np.float32] = closed.copy()
    bounded[moved] = convention.solve(lids.cost, closed[moved].astype(np.float64) @ lids.cost)
    return bounded


def _has_eyes(chart: LidChart) -> bool:
    return bool(chart.rest.reshape(2, -1).mean(axis=1).min() > _LEAST_OPENING_CM)


def _shuts(chart: LidChart) -> bool:
    """Whether the keys can bring the lids most of the way: pressing a face without such keys would crumple it."""
    rest = np.zeros((1, len(chart.gaps)))
    return bool(chart.closure_of(chart.closed(rest, np.ones(1))).min() > 0.7)
