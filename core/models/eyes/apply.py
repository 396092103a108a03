# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts blinks and gaze into a motion."""

from __future__ import annotations

import numpy as np

from ...audio.speech import Speech
from ...face.basis import open_basis
from ...face.lids import lid_chart
from ...face.motion import Motion
from ...settings import EyesSettings
from ...style.parts import EyesPart
from .blinks import blink_closure
from .gaze import gaze_motion
from .measure import NATURAL_EYES
from .pauses import speech_pauses

# each its own stream: switching one off leaves the other as it was
_BLINK_STREAM, _GAZE_STREAM = 1, 2
# minutes at once: memory does not grow with the speech
_CHUNK_FRAMES = 5000


def eyes_for(motion: Motion, speech: Speech, part: EyesPart | None, settings: EyesSettings, seed: int = 0) -> Motion:
    """A copy of ``motion`` with blinks and gaze from the speaker's statistics; without a part, from typical ones.

    Lids close from wherever the motion has them; nothing but the lids and the gaze changes. Raises
    :class:`ModelError` for a motion of another basis.
    """
    habits = part or NATURAL_EYES
    changed = motion
    if settings.blinks:
        basis = open_basis()
        motion.require_basis(basis.hash)
        pauses = speech_pauses(speech, motion.fps, len(motion))
        closure = blink_closure(habits, pauses, motion.fps, _stream(seed, _BLINK_STREAM))
        chart = lid_chart(basis)
        parts = [slice(k, k + _CHUNK_FRAMES) for k in range(0, max(len(motion), 1), _CHUNK_FRAMES)]
        shut = np.concatenate([chart.closed(motion.expression[part], closure[part]) for part in parts])
        changed = changed.replace(expression=shut)
    if settings.gaze_amount > 0:
        rng = _stream(seed, _GAZE_STREAM)
        gaze = gaze_motion(motion.head, motion.fps, habits.gaze_activity, settings.gaze_amount, rng)
        changed = changed.replace(gaze=gaze)
    return changed


def _stream(seed: int, stream: int) -> np.random.Generator:
    # numpy takes no negative seeds; Blender's integers may be
    return np.random.default_rng([seed % 2**32, stream])
