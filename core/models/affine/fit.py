# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits a :class:`Style` to one tracked reference.

The model's motion for the reference's own sound is held against what the person's face really did.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import SILENCE_PEAK
from ...face.basis import open_basis
from ...face.motion import MOTION_SIZE, Motion
from ...face.rotations import FloatArray
from ...face.statistics import MIN_AGREEMENT, gap_agreement, paired_moments, shrinkage
from ...style.style import Style, StyleProvenance

if TYPE_CHECKING:
    from ...audio.speech import Speech
    from ...tracking.reference import TrackedReference

GAIN_RANGE = (0.4, 2.0)
OFFSET_LIMIT = 2.0
# shrinkage towards the identity is a half at so many seconds of speech; stronger for the offset, which depends on the
# clip's neutral face, and that differs between clips of one speaker
_GAIN_HALF_SECONDS = 3.0
_OFFSET_HALF_SECONDS = 10.0
_MIN_RELIABLE_SECONDS = 0.5


class Generator(Protocol):
    """The part of ``ExpressionGenerator`` that fitting needs."""

    @property
    def hash(self) -> str: ...

    def generate(self, speech: Speech) -> Motion: ...


@dataclass(frozen=True, slots=True, eq=False)
class GainFit:
    """gain, offset, correlation: (53,) per dimension."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    correlation: NDArray[np.float32]


def fit_style(generator: Generator, reference: TrackedReference) -> Style:
    """Gain and offset towards the reference's face, and its head motion.

    Where its sound cannot be used the face keeps gain 1 and offset 0, and a warning says so.
    """
    motion = reference.motion
    fit, agreement, warnings = _neutral_fit(), 0.0, list(reference.report.warnings)
    seconds = float(reference.weights.sum() / motion.fps)
    problem = _problem(reference.speech, seconds)
    if problem is None and reference.speech is not None:
        predicted = generator.generate(reference.speech)
        frames = min(len(predicted), len(motion))
        weights = np.asarray(reference.weights[:frames], np.float64)
        generated, tracked = predicted.face_vector()[:frames], motion.face_vector()[:frames]
        agreement = gap_agreement(open_basis(), generated, tracked, weights)
        if agreement >= MIN_AGREEMENT:
            fit = fit_gain(generated, tracked, weights, motion.fps)
        else:
            problem = f"its sound does not go with its mouth (correlation {agreement:.2f})"
    # a clip without sound is in the tracker's own warnings already
    if problem is not None and reference.speech is not None:
        warnings.append(f"Nothing is learnt from the sound of the reference: {problem}.")
    return Style(
        name=Path(reference.report.source).stem,
        gain=fit.gain,
        offset=fit.offset,
        head=motion.head.astype(np.float32),
        provenance=StyleProvenance(
            source=reference.report.source,
            start_seconds=reference.speech.start_seconds if reference.speech else float(reference.track.seconds[0]),
            seconds=motion.seconds,
            speech_seconds=seconds if agreement else 0.0,
            agreement=agreement,
            model_hash=generator.hash,
            basis_hash=motion.basis_hash,
            warnings=tuple(warnings),
        ),
    )


def fit_gain(predicted: FloatArray, tracked: FloatArray, weights: FloatArray, fps: float) -> GainFit:
    """Gain and offset of each of (T, 53) values that match the moments of ``predicted`` to those of ``tracked``.

    The gain is the ratio of standard deviations, shrunk towards 1 by the squared correlation (uncorrelated, the ratio
    measures noise) and by the seconds of speech. weights: (T,) reliability. Source: ours, a regression between the
    slope of least squares (correlation * ratio) and moment matching (ratio).
    """
    moments = paired_moments(predicted, tracked, weights)
    spread_x, spread_y = moments.deviation_x, moments.deviation_y
    alive = (spread_x > 1e-6) & (spread_y > 1e-6)
    correlation = np.where(alive, moments.covariance / np.where(alive, spread_x * spread_y, 1.0), 0.0)
    seconds = float(np.sum(weights)) / fps
    ratio = np.clip(np.where(alive, spread_y / np.where(alive, spread_x, 1.0), 1.0), *GAIN_RANGE)
    # correlation squared: the share of the tracked movement that the model explains
    gain = 1.0 + shrinkage(seconds, _GAIN_HALF_SECONDS) * np.maximum(correlation, 0.0) ** 2 * (ratio - 1.0)
    offset = shrinkage(seconds, _OFFSET_HALF_SECONDS) * (moments.mean_y - gain * moments.mean_x)
    offset = np.clip(offset, -OFFSET_LIMIT, OFFSET_LIMIT)
    return GainFit(gain.astype(np.float32), offset.astype(np.float32), correlation.astype(np.float32))


def _neutral_fit() -> GainFit:
    zeros = np.zeros(MOTION_SIZE, np.float32)
    return GainFit(np.ones(MOTION_SIZE, np.float32), zeros, zeros)


def _problem(speech: Speech | None, reliable_seconds: float) -> str | None:
    if speech is None:
        return "it has no usable sound"
    if float(np.abs(speech.samples).max(initial=0.0)) < SILENCE_PEAK:
        return "its sound is silent"
    if reliable_seconds < _MIN_RELIABLE_SECONDS:
        return "hardly any frame shows the face reliably"
    return None
