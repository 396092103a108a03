# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with pauses, a resting motion and lids that blink where a test says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.face.motion import EXPRESSION_SIZE, Motion

FPS = 25.0


def talk(seconds: float, seed: int = 0) -> Speech:
    """Syllables at four a second over faint noise; phrases of one to four seconds, pauses of 0.3 to 1 s."""
    rng = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    loud = np.zeros(count, bool)
    now = 0.3
    while now < seconds:
        until = now + rng.uniform(1, 4)
        loud[int(now * SAMPLE_RATE) : int(until * SAMPLE_RATE)] = True
        now = until + rng.uniform(0.3, 1.0)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time)
    sound = 0.3 * loud * syllables * rng.standard_normal(count) + 1e-3 * rng.standard_normal(count)
    return Speech(sound.astype(np.float32), "made by a test")


def resting(frames: int) -> Motion:
    """The open basis' face at rest, but for small random expression and a turning head."""
    basis = open_basis()
    rng = np.random.default_rng(1)
    time = np.arange(frames) / FPS
    head = np.stack([0.05 * np.sin(0.9 * time), 0.12 * np.sin(0.5 * time), 0.0 * time], axis=1)
    return Motion(
        fps=FPS,
        expression=rng.normal(0, 0.1, (frames, EXPRESSION_SIZE)).astype(np.float32),
        jaw=np.zeros((frames, 3), np.float32),
        head=head.astype(np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )


def blinking_lids(
    seconds: float, starts: list[float], depth: float = 1.0, opening_seconds: float = 0.2
) -> NDArray[np.float64]:
    """(T,) lids' opening in cm: 1 open, 0.15 shut; down in 80 ms, back in a straight line; 1 % jitter."""
    time = np.arange(round(seconds * FPS)) / FPS
    shut = np.zeros_like(time)
    for start in starts:
        down = np.clip((time - start) / 0.08, 0, 1)
        up = np.clip((time - start - 0.08) / opening_seconds, 0, 1)
        shut = np.maximum(shut, down * (1 - up))
    jitter = np.random.default_rng(2).normal(0, 0.01, len(time))
    return 1.0 - 0.85 * depth * shut + jitter
