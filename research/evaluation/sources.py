# SPDX-License-Identifier: GPL-3.0-or-later
"""Where lip error comes from: what remains of it when one kind of mistake after the other is forgiven.

Nothing here can be had in practice (the corrections are read off the truth); it says which kind of mistake is large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import LIPS
from core.face.rotations import FloatArray
from research.evaluation.baselines import face_motion
from research.evaluation.compare import SystemRun, TrackedTruth

MAX_LAG_FRAMES = 2


@dataclass(frozen=True, slots=True)
class ErrorSources:
    """Lip error in millimetres, median over clips, each column forgiving what the ones before it do as well.

    in_step: the clip's best shift. own_rest: the mean difference, i.e. another resting mouth.
    own_amplitude: one factor on all motion. without_depth: the camera's axis, which one camera hardly sees.
    """

    name: str
    as_is: float
    in_step: float
    own_rest: float
    own_amplitude: float
    without_depth: float


def error_sources(
    run: SystemRun, truths: Sequence[TrackedTruth], keys: Sequence[str], basis: FaceBasis
) -> ErrorSources:
    """For one system on the clips ``keys``."""
    by_key = {truth.clip.clip.key: truth for truth in truths}
    rows = []
    for key in keys:
        given = basis.displacement(face_motion(run.results[key].vectors, basis))
        rows.append(forgiven(by_key[key].clip.displacement[: len(given), LIPS], given[:, LIPS]))
    return ErrorSources(run.name, *(float(value) for value in np.median(rows, axis=0)))


def basis_floor(truths: Sequence[TrackedTruth], keys: Sequence[str], basis: FaceBasis) -> ErrorSources:
    """The truth itself, written in the basis' 53 values: what no system in this basis can go below."""
    rows = []
    for truth in truths:
        if truth.clip.clip.key in keys:
            given = basis.displacement(face_motion(truth.vectors, basis))
            rows.append(forgiven(truth.clip.displacement[:, LIPS], given[:, LIPS]))
    return ErrorSources("the truth in the basis' 53 values", *(float(value) for value in np.median(rows, axis=0)))


def forgiven(wanted: FloatArray, given: FloatArray) -> NDArray[np.float64]:
    """(5,) errors of (T, P, 3) lips in centimetres, in the order of :class:`ErrorSources`; millimetres."""
    frames = min(len(wanted), len(given))
    wanted, given = np.asarray(wanted[:frames], np.float64), np.asarray(given[:frames], np.float64)
    in_step, target = min(_shifts(wanted, given), key=lambda pair: _error(*pair))
    rested = in_step - (in_step - target).mean(axis=0)
    centre = rested.mean(axis=0)
    moving = rested - centre
    gain = float((moving * (target - centre)).sum() / max((moving**2).sum(), 1e-12))
    fitted = centre + gain * moving
    flat = (fitted[..., :2], target[..., :2])
    return np.array(
        [_error(given, wanted), _error(in_step, target), _error(rested, target), _error(fitted, target), _error(*flat)]
    )


def _shifts(wanted: FloatArray, given: FloatArray) -> list[tuple[NDArray, NDArray]]:
    frames = len(wanted)
    return [
        (
            np.asarray(given[max(lag, 0) : frames + min(lag, 0)]),
            np.asarray(wanted[max(-lag, 0) : frames - max(lag, 0)]),
        )
        for lag in range(-MAX_LAG_FRAMES, MAX_LAG_FRAMES + 1)
    ]


def _error(given: FloatArray, wanted: FloatArray) -> float:
    return float(np.linalg.norm(given - wanted, axis=-1).max(axis=1).mean() * 10.0)
