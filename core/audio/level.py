# SPDX-License-Identifier: GPL-3.0-or-later
"""Loudness of a speech per frame of motion or film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .speech import SAMPLE_RATE, Speech

# mean square of digital silence, so that its logarithm is finite
_SILENCE = 1e-12
# 40 s at once: of hours no second copy is made
_CHUNK_FRAMES = 1000


def frame_level(speech: Speech, fps: float, frames: int) -> NDArray[np.float64]:
    """(frames,) mean power in decibels re full scale; frame k lasts from k / fps to (k + 1) / fps seconds.

    -120 in digital silence and after the end of the sound.
    """
    edges = np.minimum(np.round(np.arange(frames + 1) * SAMPLE_RATE / fps).astype(int), len(speech.samples))
    sums = [_sums(speech.samples, edges[k : k + _CHUNK_FRAMES + 1]) for k in range(0, frames, _CHUNK_FRAMES)]
    mean = np.concatenate([np.zeros(0), *sums]) / np.maximum(np.diff(edges), 1)
    level: NDArray[np.float64] = 10 * np.log10(mean + _SILENCE)
    return level


def _sums(samples: NDArray[np.float32], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) sum of squares between each of (n + 1,) edges and the next."""
    power = np.concatenate([[0.0], np.cumsum(samples[edges[0] : edges[-1]].astype(np.float64) ** 2)])
    sums: NDArray[np.float64] = np.diff(power[edges - edges[0]])
    return sums
