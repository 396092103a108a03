# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a motion for a speech is."""

from __future__ import annotations

import numpy as np

from ..audio.speech import SAMPLE_RATE, Speech
from ..face.motion import INTERNAL_FPS


def frame_count(speech: Speech) -> int:
    """How many frames at 25 fps a motion for this speech has: ceil(seconds * 25), at least one."""
    return max(int(np.ceil(len(speech.samples) * INTERNAL_FPS / SAMPLE_RATE)), 1)
