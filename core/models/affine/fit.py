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
from ...face.closures import lip_gap
from ...face.motion import MOTION_SIZE, Motion
from ...face.rotations import FloatArray
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
_MIN_AGREEMENT = 0.15
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
        agreement = _agreement(predicted, motion, weights)
        if agreement >= _MIN_AGREEMENT:
            fit = fit_gain(predicted.face_vector()[:frames], motion.face_vector()[:frames], weights, motion.fps)
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
    """Per dimension of (T, 53), the gain and offset that carry ``predicted`` to ``tracked``.

    The gain is the ratio of spreads, drawn towards 1 where the two hardly correlate (then the ratio
    measures noise) and where the clip is short; ``weights`` (T,) say how reliable each frame is.
    """
    share = np.asarray(weights, np.float64) / max(float(np.sum(weights)), 1e-9)
    mean_x, mean_y = share @ predicted, share @ tracked
    x, y = predicted - mean_x, tracked - mean_y
    spread_x, spread_y = np.sqrt(share @ x**2), np.sqrt(share @ y**2)
    alive = (spread_x > 1e-6) & (spread_y > 1e-6)
    correlation = np.where(alive, (share @ (x * y)) / np.where(alive, spread_x * spread_y, 1.0), 0.0)
    seconds = float(np.sum(weights)) / fps
    shrinkage = seconds / (seconds + _GAIN_HALF_SECONDS)
    ratio = np.clip(np.where(alive, spread_y / np.where(alive, spread_x, 1.0), 1.0), *GAIN_RANGE)
    # correlation squared: the share of the tracked movement that the model explains
    gain = 1.0 + shrinkage * np.maximum(correlation, 0.0) ** 2 * (ratio - 1.0)
    offset = seconds / (seconds + _OFFSET_HALF_SECONDS) * (mean_y - gain * mean_x)
    offset = np.clip(offset, -OFFSET_LIMIT, OFFSET_LIMIT)
    return GainFit(gain.astype(np.float32), offset.astype(np.float32), correlation.astype(np.float32))


def _neutral_fit() -> GainFit:
    zeros = np.zeros(MOTION_SIZE, np.float32)
    return GainFit(np.ones(MOTION_SIZE, np.float32), zeros, zeros)


def _agreement(predicted: Motion, tracked: Motion, weights: FloatArray) -> float:
    # correlation of the lips' opening: the one movement that every talking face shows
    frames = len(weights)
    basis = open_basis()
    x, y = lip_gap(basis, predicted)[:frames], lip_gap(basis, tracked)[:frames]
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    spread = np.sqrt((weights @ x**2) * (weights @ y**2))
    return float(weights @ (x * y) / spread) if spread > 1e-9 else 0.0


def _problem(speech: Speech | None, reliable_seconds: float) -> str | None:
    if speech is None:
        return "it has no usable sound"
    if float(np.abs(speech.samples).max(initial=0.0)) < SILENCE_PEAK:
        return "its sound is silent"
    if reliable_seconds < _MIN_RELIABLE_SECONDS:
        return "hardly any frame shows the face reliably"
    return None
