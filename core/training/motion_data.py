# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracked clips as training pairs: log power spectrogram and 53-value motion in step with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis
from ..face.motion import INTERNAL_FPS
from ..speech.mel import power_spectrogram
from ..tracking.align import align, uniform_landmarks
from ..tracking.fit import fit
from ..tracking.smooth import neutral_face, smooth_landmarks
from .corpus import Clip, load_tracked

MIN_VALID_SHARE = 0.98
MEL_PER_FRAME = 4


@dataclass(frozen=True, slots=True, eq=False)
class MotionPair:
    """One clip: log_power (4 T, 257) float16 at 100 Hz, motion (T, 53) at 25 fps, displacement (T, 478, 3) cm."""

    clip: Clip
    log_power: NDArray[np.float16]
    motion: NDArray[np.float32]
    displacement: NDArray[np.float32]


def load_pair(clip: Clip, basis: FaceBasis, picture_delay_seconds: float = 0.0) -> MotionPair | None:
    """The clip's pair, or None where the tracker lost the face too often.

    ``picture_delay_seconds``: how far the picture lags behind the sound in this corpus; it is taken out.
    """
    tracked = load_tracked(clip)
    if tracked.track.valid.mean() < MIN_VALID_SHARE:
        return None
    uniform = uniform_landmarks(tracked.track, INTERNAL_FPS, picture_delay_seconds)
    landmarks = smooth_landmarks(align(uniform.landmarks, basis.neutral).landmarks)
    displacement = landmarks - neutral_face(landmarks)
    fitted = fit(displacement, basis)
    power = power_spectrogram(tracked.speech.samples)
    frames = min(len(displacement), len(power) // MEL_PER_FRAME)
    return MotionPair(
        clip=clip,
        log_power=np.log(power[: frames * MEL_PER_FRAME] + 1e-10).astype(np.float16),
        motion=np.concatenate([fitted.expression, fitted.jaw], axis=1)[:frames],
        displacement=displacement[:frames].astype(np.float32),
    )


def load_pairs(clips: list[Clip], basis: FaceBasis, picture_delay_seconds: float = 0.0) -> list[MotionPair]:
    """All usable pairs of ``clips``."""
    pairs = (load_pair(clip, basis, picture_delay_seconds) for clip in clips)
    return [pair for pair in pairs if pair is not None]
