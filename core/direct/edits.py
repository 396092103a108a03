# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's keys on a curve of ours, and new motion that bends through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.series import smoothstep
from .written import SAME_FRAME, WrittenCurve, nearest_frames

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class CurveEdits:
    """theirs: (n,) which of the present keys are the artist's. removed: frames of ours that the artist deleted."""

    theirs: NDArray[np.bool_]
    removed: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BentCurve:
    """frames, values: (n,) of the new curve. source: (n,) for an artist's key its place among theirs, else -1.

    absent: planned keys that the artist has deleted.
    """

    frames: Floats
    values: Floats
    source: NDArray[np.int64]
    absent: WrittenCurve

    @property
    def ours(self) -> WrittenCurve:
        """What is to be remembered as written by us; also what is absent, or it would come back the next time."""
        own = self.source < 0
        if not len(self.absent.frames) and own.all():
            return WrittenCurve(self.frames, self.values)
        frames = np.concatenate([self.frames[own], self.absent.frames])
        values = np.concatenate([self.values[own], self.absent.values])
        order = np.argsort(frames, kind="stable")
        return WrittenCurve(frames[order], values[order])


def find_edits(frames: Floats, values: Floats, marked: NDArray[np.bool_], written: WrittenCurve | None) -> CurveEdits:
    """Tell the artist's keys from ours, which are as they were ``written``.

    marked: (n,) keys whose type, interpolation or handles are not those that we give. None: we wrote none of them.
    """
    if written is None:
        return CurveEdits(np.ones(len(frames), bool), np.zeros(0, np.float32))
    theirs = marked | ~written.holds(frames, values)
    if not len(frames):
        return CurveEdits(theirs, written.frames)
    gone = np.abs(frames[nearest_frames(frames, written.frames)] - written.frames) >= SAME_FRAME
    return CurveEdits(theirs, written.frames[gone])


def bent(
    planned: WrittenCurve, keys: WrittenCurve, removed: Floats, reach: float, only: tuple[float, float] | None = None
) -> BentCurve:
    """The planned curve through the artist's ``keys``, which stay as they are.

    The difference at each of them fades over ``reach`` frames, and between two that are nearer passes from one to the
    other. Frames that the artist ``removed`` stay without a key. only: frames outside of which nothing is to
    bend.
    """
    if not len(keys.frames) and not len(removed):
        nothing = WrittenCurve(planned.frames[:0], planned.values[:0])
        return BentCurve(planned.frames, planned.values, np.full(len(planned.frames), -1), nothing)
    frames, values = planned.frames, planned.values
    if len(keys.frames) and len(frames):
        offsets = keys.values - np.interp(keys.frames, frames, values)
        before, after = _reaches(keys.frames, reach)
        if only is not None:
            offsets = np.where((keys.frames >= only[0]) & (keys.frames <= only[1]), offsets, 0.0)
            before = np.minimum(before, np.maximum(keys.frames - only[0], 0.0))
            after = np.minimum(after, np.maximum(only[1] - keys.frames, 0.0))
        moved = _offsets(frames, keys.frames, offsets, before, after)
        values = (values + moved).astype(np.float32)
    removed = removed[~_among(removed, keys.frames)]
    gone = _among(frames, removed)
    free = ~_among(frames, keys.frames) & ~gone
    whole = np.concatenate([frames[free], keys.frames])
    order = np.argsort(whole, kind="stable")
    source = np.concatenate([np.full(int(free.sum()), -1), np.arange(len(keys.frames))])
    return BentCurve(
        whole[order],
        np.concatenate([values[free], keys.values])[order],
        source[order],
        # also where nothing is planned now: fewer keys may become more again
        WrittenCurve(removed, np.interp(removed, frames, values).astype(np.float32) if len(frames) else 0 * removed),
    )


def _reaches(at: Floats, reach: float) -> tuple[Floats, Floats]:
    """Frames over which each offset fades before and after its key."""
    gaps = np.diff(at)
    return np.minimum(np.concatenate([[reach], gaps]), reach), np.minimum(np.concatenate([gaps, [reach]]), reach)


def _offsets(
    frames: Floats, at: Floats, offsets: NDArray[np.floating], before: Floats, after: Floats
) -> NDArray[np.float64]:
    total = np.zeros(len(frames))
    for place, offset, left, right in zip(at, offsets, before, after, strict=True):
        low, high = np.searchsorted(frames, [place - left, place + right])
        way = frames[low:high] - place
        share = 1.0 - np.abs(way) / np.maximum(np.where(way < 0, left, right), SAME_FRAME)
        total[low:high] += offset * smoothstep(share)
    return total


def _among(frames: Floats, others: Floats) -> NDArray[np.bool_]:
    if not len(others) or not len(frames):
        return np.zeros(len(frames), bool)
    ordered = np.sort(others)
    found: NDArray[np.bool_] = np.abs(ordered[nearest_frames(ordered, frames)] - frames) < SAME_FRAME
    return found
