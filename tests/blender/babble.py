# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up speech for tests of what is done after the bake. No pytest."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tests.blender.fake_engine import talking

SECONDS = 3.0


def babbling(request: Any, seconds: float = SECONDS) -> Any:
    """Speech whose lips shut and open four times a second, blinking, looking and nodding."""
    result = talking(request, seconds)
    frames = len(result.motion)
    rng = np.random.default_rng(5 + request.run.seed)
    time = np.arange(frames) / 25.0
    expression = np.zeros((frames, 50), np.float32)
    for column in range(12):
        expression[:, column] = (
            0.3 * np.sin(2 * np.pi * rng.uniform(0.5, 4.0) * time + rng.uniform(0, 6)) / (1 + column)
        )
    jaw = np.zeros((frames, 3), np.float32)
    jaw[:, 0] = 0.12 * np.abs(np.sin(2 * np.pi * 2.0 * time))
    jaw[:, 1] = 0.01
    gaze = np.full((frames, 2, 2), 0.1, np.float32)
    head = np.full((frames, 3), 0.05, np.float32)
    styled = result.motion.replace(expression=expression, jaw=jaw, gaze=gaze, head=head)
    plain = styled.replace(expression=0.4 * expression, jaw=0.7 * jaw)
    return dataclasses.replace(result, motion=styled, plain=plain)
