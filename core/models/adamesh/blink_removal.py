# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes blinks from a tracked reference before adaptation.

Blinks are independent of the sound, so a network fitted to them lowers the lids permanently. The engine adds its own
blinks afterwards (``core.models.eyes``), with the speaker's rate and duration.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ...face.basis import FaceBasis
from ...face.blink_events import find_blinks
from ...face.lids import lid_chart, lid_opening
from ...tracking.reference import TrackedReference

# a blink is timed from a fifth of its depth on: the lids move before, and settle slowly after it
_BEFORE_SECONDS, _AFTER_SECONDS = 0.08, 0.16


def without_blinks(reference: TrackedReference, basis: FaceBasis) -> TrackedReference:
    """The reference with its lids carried over every blink, in motion and landmarks; nothing else moves.

    Frames outside blinks keep every bit. Raises :class:`~core.errors.ModelError` for a motion of another basis.
    """
    motion = reference.motion
    motion.require_basis(basis.hash)
    blinking = blink_frames(reference)
    if not blinking.any() or blinking.all():
        return reference
    chart = lid_chart(basis)
    gaps = chart.gaps_of(motion.expression)
    missing = np.maximum(_carried_over(gaps, blinking) - gaps, 0.0)
    change = np.where(blinking[:, None], missing @ chart.directions, 0.0).astype(np.float32)
    moved = np.tensordot(change, basis.directions, axes=1).astype(np.float32)
    return dataclasses.replace(
        reference,
        motion=motion.replace(expression=motion.expression + change),
        landmarks=reference.landmarks + moved,
    )


def blink_frames(reference: TrackedReference) -> NDArray[np.bool_]:
    """(T,) where the lids are on their way down, shut, or on their way up."""
    fps, frames = reference.motion.fps, len(reference.motion)
    opening = np.asarray(lid_opening(reference.landmarks), np.float64)
    blinking = np.zeros(frames, np.bool_)
    for blink in find_blinks(opening, reference.weights > 0, fps):
        first = int((blink.start_seconds - _BEFORE_SECONDS) * fps)
        last = int(np.ceil((blink.end_seconds + _AFTER_SECONDS) * fps))
        blinking[max(first, 0) : last + 1] = True
    return blinking


def _carried_over(gaps: NDArray[np.float64], blinking: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(T, 14) linear from the last frame before each blink to the first after it."""
    frames = np.arange(len(gaps))
    seen = frames[~blinking]
    return np.stack([np.interp(frames, seen, gap[~blinking]) for gap in gaps.T], axis=1)
