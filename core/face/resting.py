# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion in which nothing moves yet."""

from __future__ import annotations

import numpy as np

from .basis import open_basis
from .motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion


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
