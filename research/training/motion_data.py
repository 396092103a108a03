# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracked clips as training pairs: log power spectrogram and 53-value motion in step with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.motion import INTERNAL_FPS
from core.models.adamesh.identity import IDENTITY_SIZE, identity_vector
from core.models.speech.mel import power_spectrogram
from core.models.speech.prosody import prosody
from core.tracking.align import align, uniform_landmarks
from core.tracking.fit import fit
from core.tracking.smooth import neutral_face, smooth_landmarks
from research.corpus.clips import Clip, load_tracked
from research.paths import BUILD

MIN_VALID_SHARE = 0.98
MEL_PER_FRAME = 4
CACHE_ROOT = BUILD / "pairs"
_STORED = ("log_power", "motion", "displacement", "sounds", "identity")


@dataclass(frozen=True, slots=True, eq=False)
class MotionPair:
    """One clip: log_power (4 T, 257) float16 at 100 Hz, motion (T, 53) at 25 fps, displacement (T, 478, 3) cm.

    sounds: (2 T, 4) prosody at 50 Hz, None where nobody trains on it. identity: (12,) proportions of the resting
    face, 0 where they are unknown.
    """

    clip: Clip
    log_power: NDArray[np.float16]
    motion: NDArray[np.float32]
    displacement: NDArray[np.float32]
    sounds: NDArray[np.float32] | None = None
    identity: NDArray[np.float32] = field(default_factory=lambda: np.zeros(IDENTITY_SIZE, np.float32))

    def cut(self, frames: int) -> MotionPair:
        """The first ``frames`` of motion with their sound."""
        return replace(
            self,
            log_power=self.log_power[: frames * MEL_PER_FRAME],
            motion=self.motion[:frames],
            displacement=self.displacement[:frames],
            sounds=None if self.sounds is None else self.sounds[: 2 * frames],
        )


def load_pair(
    clip: Clip, basis: FaceBasis, picture_delay_seconds: float | None = None, cache: Path = CACHE_ROOT
) -> MotionPair | None:
    """The clip's pair, from the cache where it is; None where the tracker lost the face too often.

    ``picture_delay_seconds``: how far the picture lags behind the sound (None: as registered); it is taken out.
    """
    if picture_delay_seconds is None:
        picture_delay_seconds = clip.picture_delay_seconds
    path = cache / f"{clip.key}-{basis.hash[:8]}-{round(1000 * picture_delay_seconds)}ms.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return MotionPair(clip, *(stored[name] for name in _STORED))
    pair = _make_pair(clip, basis, picture_delay_seconds)
    if pair is not None:
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part.npz")
        np.savez(partial, **{name: getattr(pair, name) for name in _STORED})
        partial.rename(path)
    return pair


def _make_pair(clip: Clip, basis: FaceBasis, picture_delay_seconds: float) -> MotionPair | None:
    tracked = load_tracked(clip)
    if tracked.track.valid.mean() < MIN_VALID_SHARE:
        return None
    uniform = uniform_landmarks(tracked.track, INTERNAL_FPS, picture_delay_seconds)
    landmarks = smooth_landmarks(align(uniform.landmarks, basis.neutral).landmarks)
    neutral = neutral_face(landmarks)
    displacement = landmarks - neutral
    fitted = fit(displacement, basis)
    power = power_spectrogram(tracked.speech.samples)
    frames = min(len(displacement), len(power) // MEL_PER_FRAME)
    return MotionPair(
        clip=clip,
        log_power=np.log(power[: frames * MEL_PER_FRAME] + 1e-10).astype(np.float16),
        motion=np.concatenate([fitted.expression, fitted.jaw], axis=1)[:frames],
        displacement=displacement[:frames].astype(np.float32),
        sounds=prosody_of(tracked.speech.samples, frames),
        identity=identity_vector(neutral, basis),
    )


def prosody_of(samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """(2 frames, 4) prosody of a sound, for ``frames`` of motion at 25 fps."""
    values = prosody(samples)
    return np.pad(values, ((0, max(2 * frames - len(values), 0)), (0, 0)), mode="edge")[: 2 * frames]


def load_pairs(clips: list[Clip], basis: FaceBasis) -> list[MotionPair]:
    """All usable pairs of ``clips``, sound and picture put in step as registered."""
    pairs = (load_pair(clip, basis) for clip in clips)
    return [pair for pair in pairs if pair is not None]
