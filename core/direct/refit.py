# SPDX-License-Identifier: GPL-3.0-or-later
"""A tidied line with other values on the keys that it has: what a dragged slider shows until it is tidied anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..rig.plan import CurvePlan
from .written import CurveName

_Frames = NDArray[np.floating]


def refitted(plan: CurvePlan, kept: Mapping[CurveName, _Frames], shut: NDArray[np.bool_]) -> CurvePlan:
    """The plan on the frames that each curve has keys on already, and on those where the lips are shut.

    plan: with a key on every frame. kept: frames by curve; a curve that is not among them takes those of all. shut:
    (T,) of the plan's frames: with a key on each of them no closure opens.
    """
    if not plan.curves:
        return plan
    frames = max((curve.frames for curve in plan.curves), key=len)
    always = shut | np.isin(frames, (frames[0], frames[-1], plan.first, plan.last))
    everyone = np.unique(np.concatenate([*kept.values(), frames[:0]]))
    chosen: dict[bytes, NDArray[np.bool_]] = {}
    curves = []
    for curve in plan.curves:
        if len(curve.frames) != len(frames):
            curves.append(curve)
            continue
        own = np.asarray(kept.get((curve.datablock, curve.path, curve.index), everyone), np.float32)
        # channels of a rotation, and meshes with the same keys, share theirs
        known = own.tobytes()
        if known not in chosen:
            chosen[known] = always | np.isin(frames, own)
        at = chosen[known]
        curves.append(dataclasses.replace(curve, frames=curve.frames[at], values=curve.values[at]))
    return dataclasses.replace(plan, curves=tuple(curves), thinned=True)
