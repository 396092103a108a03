# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones with times to classes per frame, as a speech encoder is trained on: frame i is what sounds at i / fps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.models.speech.articulation import (
    ARPABET,
    FEATURES,
    Articulation,
    articulations_of_arpabet,
    articulations_of_ipa,
)
from core.models.speech.encoder import ENCODER_FPS
from research.corpus.phones import Phone

Symbols = Literal["ipa", "arpabet"]
UNKNOWN = -1
_ARTICULATIONS: dict[str, Callable[[str], tuple[Articulation, ...]]] = {
    "ipa": articulations_of_ipa,
    "arpabet": articulations_of_arpabet,
}


def articulation_frames(
    phones: Sequence[Phone], symbols: Symbols, frame_count: int, fps: float = ENCODER_FPS
) -> NDArray[np.int8]:
    """(frame_count, features) class of each of ``FEATURES``; -1 where no phone is known.

    A diphthong's halves get half of its time each.
    """
    frames = np.full((frame_count, len(FEATURES)), UNKNOWN, np.int8)
    for phone in phones:
        try:
            parts = _ARTICULATIONS[symbols](phone.name)
        except ValueError:
            continue
        edges = np.linspace(phone.start_seconds, phone.end_seconds, len(parts) + 1)
        for part, start, end in zip(parts, edges, edges[1:], strict=False):
            frames[_frames_between(start, end, fps)] = part.indices()
    return frames


def phone_frames(phones: Sequence[Phone], frame_count: int, fps: float = ENCODER_FPS) -> NDArray[np.int8]:
    """(frame_count,) place in ``ARPABET`` of the phone at each frame; -1 where no phone is known."""
    frames = np.full(frame_count, UNKNOWN, np.int8)
    for phone in phones:
        if phone.name in ARPABET:
            frames[_frames_between(phone.start_seconds, phone.end_seconds, fps)] = ARPABET.index(phone.name)
    return frames


def _frames_between(start_seconds: float, end_seconds: float, fps: float) -> slice:
    # frames with start <= i / fps < end; what lies on an edge up to rounding belongs to the later phone
    first, last = (int(np.ceil(seconds * fps - 1e-6)) for seconds in (start_seconds, end_seconds))
    return slice(max(first, 0), max(last, 0))
