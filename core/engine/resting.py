# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion in which nothing moves yet, of the length that a speech asks for."""

from __future__ import annotations

import numpy as np

from ..audio.speech import SAMPLE_RATE, Speech
from ..face.basis import open_basis
from ..face.motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion


def frame_count(speech: Speech) -> int:
    """How many frames at 25 fps a motion for this speech has: ceil(seconds * 25), at least one."""
    return max(int(np.ceil(len(speech.samples) * INTERNAL_FPS / SAMPLE_RATE)), 1)


def resting_motion(frames: int) -> Motion:
    """A face at rest, 25 fps, in the open basis; head and gaze straight ahead."""
    basis = open_basis()
    zeros = np.zeros
    return Motion(
        fps=INTERNAL_FPS,
        expression=zeros((frames, EXPRESSION_SIZE), np.float32),
        jaw=zeros((frames, 3), np.float32),
        head=zeros((frames, 3), np.float32),
        gaze=zeros((frames, 2, 2), np.float32),
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
