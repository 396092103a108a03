# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech units: clusters of encoder features by which head motion is compared at equal sounds. numpy only.

AdaMesh (section 3.3) takes 512 clusters of HuBERT features; ours come from whichever encoder is in use, and their
number from data.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...face.motion import INTERNAL_FPS
from ..speech.encoder import ENCODER_FPS

FloatArray = NDArray[np.floating]
FEATURES_PER_FRAME = round(ENCODER_FPS / INTERNAL_FPS)
_CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class SpeechUnits:
    """centres: (K, D) in features less ``mean`` (D,) and over ``deviation`` (D,). encoder_hash: whose features."""

    centres: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    encoder_hash: str

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def hash(self) -> str:
        """Fingerprint of the units."""
        digest = hashlib.sha256(self.encoder_hash.encode())
        for array in (self.centres, self.mean, self.deviation):
            digest.update(np.ascontiguousarray(array, np.float32).tobytes())
        return digest.hexdigest()

    def assign(self, features: FloatArray) -> NDArray[np.int64]:
        """(T,) unit of every frame at 25 fps for (2 T, D) features at 50 Hz; ties go to the lower index."""
        frames = (frame_features(features) - self.mean) / self.deviation
        return np.concatenate(
            [_nearest(frames[first : first + _CHUNK], self.centres) for first in range(0, len(frames), _CHUNK)]
            or [np.zeros(0, np.int64)]
        )


def frame_features(features: FloatArray) -> NDArray[np.float32]:
    """(N, D) at 50 Hz to (ceil(N / 2), D) at 25 fps: the mean of the two that fall into a frame."""
    values = np.asarray(features, np.float32)
    values = np.concatenate([values, values[-1:]]) if len(values) % FEATURES_PER_FRAME else values
    return values.reshape(-1, FEATURES_PER_FRAME, values.shape[1]).mean(axis=1)


def fit_units(frames: FloatArray, count: int, encoder_hash: str, seed: int, rounds: int = 30) -> SpeechUnits:
    """k-means (Lloyd, k-means++ start) on (T, D) features at 25 fps; the same seed gives the same units."""
    data = np.asarray(frames, np.float32)
    mean, deviation = data.mean(axis=0), np.maximum(data.std(axis=0), 1e-3)
    normal = ((data - mean) / deviation).astype(np.float32)
    rng = np.random.default_rng(seed)
    centres = _spread_start(normal, count, rng)
    for _ in range(rounds):
        nearest = np.concatenate([_nearest(normal[i : i + _CHUNK], centres) for i in range(0, len(normal), _CHUNK)])
        sizes = np.bincount(nearest, minlength=count)
        total = np.zeros_like(centres, np.float64)
        np.add.at(total, nearest, normal)
        moved = (total / np.maximum(sizes, 1)[:, None]).astype(np.float32)
        # an empty cluster starts again on some frame
        moved[sizes == 0] = normal[rng.integers(len(normal), size=int((sizes == 0).sum()))]
        if np.allclose(moved, centres, atol=1e-4):
            break
        centres = moved
    return SpeechUnits(centres, mean.astype(np.float32), deviation.astype(np.float32), encoder_hash)


def _nearest(values: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    distance = (centres**2).sum(axis=1) - 2 * values @ centres.T
    return distance.argmin(axis=1)


def _spread_start(values: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """k-means++ (Arthur & Vassilvitskii 2007) on at most 20,000 frames."""
    sample = values[rng.permutation(len(values))[:20_000]]
    centres = np.empty((count, values.shape[1]), np.float32)
    centres[0] = sample[0]
    gap = ((sample - centres[0]) ** 2).sum(axis=1)
    for index in range(1, count):
        centres[index] = sample[rng.choice(len(sample), p=gap / gap.sum())] if gap.sum() > 0 else sample[0]
        gap = np.minimum(gap, ((sample - centres[index]) ** 2).sum(axis=1))
    return centres
