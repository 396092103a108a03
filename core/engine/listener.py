# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion for a character who does not speak: breath, a head that is never quite still, blinks, and nods to a speech.

The head follows the pose prior as a speaker's does, at a share of its amplitude; nods answer the ends of phrases.
Where the sound is silent nobody speaks: what is left is idle motion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..face.motion import INTERNAL_FPS
from ..face.series import runs, smoothstep

if TYPE_CHECKING:
    from ..audio.speech import Speech

# of a speaker's head motion; ours, to taste
_HEAD_SHARE = 0.3
# a grown-up at rest breathes 12 to 20 times a minute
_BREATHS_PER_SECOND = 0.25
_BREATH_RADIANS = 0.006
# slow changes of posture: amplitude, and periods between these
_SWAY_RADIANS = 0.012
_SWAY_SECONDS = (5.0, 12.0)
# a nod: how far, how long a cycle takes, how many cycles, how often a phrase's end is answered; ours, to taste
_NOD_RADIANS = (0.03, 0.07)
_NOD_SECONDS = (0.45, 0.65)
_NOD_CYCLES = (1, 2)
_NOD_SHARE = 0.6
_ANSWER_SECONDS = (0.1, 0.35)
_PHRASE_SECONDS = 1.2
# from rest and back to it
_EDGE_SECONDS = 0.6
_STREAM = 3


def listener_head(head: NDArray[np.float32], speech: Speech, amount: float, seed: int) -> NDArray[np.float32]:
    """(T, 3) radians for who does not speak, from the (T, 3) that the pose prior gives for the speech.

    amount: of all of it; 0 is still. Begins and ends at rest.
    """
    from ..audio.speech import SILENCE_PEAK
    from ..models.eyes.pauses import speech_pauses

    rng = np.random.default_rng([seed % 2**32, _STREAM])
    frames = len(head)
    silent = float(np.abs(speech.samples).max(initial=0.0)) < SILENCE_PEAK
    motion = _idle(frames, rng)
    if not silent:
        motion += _HEAD_SHARE * head
        motion[:, 0] += _nods(~speech_pauses(speech, INTERNAL_FPS, frames), rng)
    return (amount * _from_rest(frames)[:, None] * motion).astype(np.float32)


def _idle(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Breath in the head's pitch and slow sway about all axes."""
    seconds = np.arange(frames) / INTERNAL_FPS
    motion = np.zeros((frames, 3))
    for axis in range(3):
        for _ in range(2):
            period, phase = rng.uniform(*_SWAY_SECONDS), rng.uniform(0, 2 * np.pi)
            motion[:, axis] += 0.5 * _SWAY_RADIANS * np.sin(2 * np.pi * seconds / period + phase)
    breath = 2 * np.pi * _BREATHS_PER_SECOND * rng.uniform(0.8, 1.2) * seconds + rng.uniform(0, 2 * np.pi)
    motion[:, 0] += _BREATH_RADIANS * np.sin(breath)
    return motion


def _nods(spoken: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """(T,) pitch: downwards and back after some of the ends of phrases."""
    pitch = np.zeros(len(spoken))
    for start, end in runs(spoken):
        answered = rng.random() < _NOD_SHARE
        first = end + round(rng.uniform(*_ANSWER_SECONDS) * INTERNAL_FPS)
        cycles, seconds = int(rng.integers(_NOD_CYCLES[0], _NOD_CYCLES[1] + 1)), rng.uniform(*_NOD_SECONDS)
        depth = rng.uniform(*_NOD_RADIANS)
        if not answered or end - start < _PHRASE_SECONDS * INTERNAL_FPS:
            continue
        length = min(round(cycles * seconds * INTERNAL_FPS), len(spoken) - first)
        if length > 2:
            way = np.arange(length) / (seconds * INTERNAL_FPS)
            # each cycle is smaller than the one before
            pitch[first : first + length] += depth * 0.6 ** np.floor(way) * 0.5 * (1 - np.cos(2 * np.pi * way))
    return pitch


def _from_rest(frames: int) -> NDArray[np.float64]:
    seconds = np.arange(frames) / INTERNAL_FPS
    edge = min(_EDGE_SECONDS, max(frames / INTERNAL_FPS / 3, 1e-3))
    return smoothstep(np.minimum(seconds, seconds[::-1]) / edge)
