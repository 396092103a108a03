# SPDX-License-Identifier: GPL-3.0-or-later
"""Loudness of a speech per frame of motion or film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .speech import SAMPLE_RATE, Speech

# mean square of digital silence, so that its logarithm is finite
_SILENCE = 1e-12


def frame_level(speech: Speech, fps: float, frames: int) -> NDArray[np.float64]:
    """(frames,) mean power in decibels re full scale; frame k lasts from k / fps to (k + 1) / fps seconds.

    -120 in digital silence and after the end of the sound.
    """
    edges = np.minimum(np.round(np.arange(frames + 1) * SAMPLE_RATE / fps).astype(int), len(speech.samples))
    power = np.concatenate([[0.0], np.cumsum(speech.samples.astype(np.float64) ** 2)])
    mean = (power[edges[1:]] - power[edges[:-1]]) / np.maximum(np.diff(edges), 1)
    level: NDArray[np.float64] = 10 * np.log10(mean + _SILENCE)
    return level
