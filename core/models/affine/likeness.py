# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits a :class:`~core.style.likeness.LikenessCorrection` to a reference, in closed form. Ours, not in the paper.

Ten seconds teach a low-rank update as much of their own words as of the person. What the person does otherwise at
moments like these is the better guess, with a share of the update beside it (chosen on people left out).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...face.motion import INTERNAL_FPS, Motion
from ...face.rotations import FloatArray
from ...style.likeness import LikenessCorrection, alike, standardised

if TYPE_CHECKING:
    from ...tracking.reference import TrackedReference

# a minute: of a longer reference evenly spread frames, each for those about it; time and memory grow with its square
MOST_FRAMES = 1500
# of a value that does not move: nothing to compare
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class LikenessSettings:
    """noise: variance of a frame about the correction, in that of the correction itself; neighbours say much the same.

    offset_seconds: seconds n at which half of the mean difference is kept, n^2 / (n^2 + this^2): resting faces
    drift within seconds. learnt_share, seen_share: of what the low-rank update and of what moments like these say.
    """

    noise: float = 4.0
    offset_seconds: float = 6.0
    learnt_share: float = 0.35
    seen_share: float = 0.65


# with nothing trained: the first version of a line, and what a code of Mimic's leaves
ALONE = LikenessSettings(noise=8.0, learnt_share=0.0, seen_share=1.0)


def fit_alone(spoken: Motion, reference: TrackedReference) -> LikenessCorrection | None:
    """From what the networks say to the reference's own sound, with nothing trained; None where no frame counts."""
    said = spoken.face_vector()[: len(reference.motion)]
    tracked, weights = reference.motion.face_vector()[: len(said)], reference.weights[: len(said)]
    return fit_likeness(said, said, tracked, weights, ALONE)


def fit_likeness(
    mean: FloatArray,
    adapted: FloatArray,
    tracked: FloatArray,
    weights: FloatArray,
    settings: LikenessSettings = LikenessSettings(),
) -> LikenessCorrection | None:
    """From motion (T, 53) of the mean speaker, the adapted network and the tracked face, frames weighted (T,) 0..1.

    None where no frame counts.
    """
    reliability = np.asarray(weights, np.float64)
    total = float(reliability.sum())
    if total <= 0:
        return None
    share = reliability / total
    difference = np.asarray(tracked, np.float64) - mean
    offset = share @ difference
    centre, spread = mean.mean(axis=0), np.maximum(mean.std(axis=0), _LEAST_SPREAD)
    kept = np.linspace(0, len(mean) - 1, min(len(mean), MOST_FRAMES)).round().astype(np.int64)
    moments = standardised(mean[kept], centre, spread)
    noise = settings.noise * len(kept) / len(mean)
    answers = settings.seen_share * _answers(moments, (difference - offset)[kept], reliability[kept], noise)
    seconds = total / INTERNAL_FPS
    kept_offset = seconds**2 / (seconds**2 + settings.offset_seconds**2)
    shift = kept_offset * offset - settings.learnt_share * (share @ (np.asarray(adapted, np.float64) - mean))
    return LikenessCorrection(
        moments=moments,
        answers=answers.astype(np.float32),
        centre=centre.astype(np.float32),
        spread=spread.astype(np.float32),
        shift=shift.astype(np.float32),
        learnt_share=settings.learnt_share,
    )


def _answers(
    moments: NDArray[np.float32], difference: FloatArray, reliability: FloatArray, noise: float
) -> NDArray[np.float64]:
    """(T, 53) W (W K W + noise)^-1 W d with W the roots of the weights: an unreliable frame says nothing."""
    root = np.sqrt(reliability)[:, None]
    covariance = root * alike(moments, moments).astype(np.float64) * root.T
    covariance[np.diag_indices(len(covariance))] += noise
    answers: NDArray[np.float64] = root * np.linalg.solve(covariance, root * difference)
    return answers
