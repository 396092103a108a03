# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the lips do what the sounds need at the right time: close for m b p, narrow for u, open for a.

Needs only phones with times, so it works in every language and without a film of the speaker. Each measure comes
with its chance level: the same measure at random times of the same speech.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.face.landmarks import MOUTH_CORNER_LEFT, MOUTH_CORNER_RIGHT, OPENING_PAIRS
from core.face.rotations import FloatArray
from core.models.speech.articulation import SILENCE_NAME, Articulation, articulations_of_arpabet, articulations_of_ipa
from research.corpus.frame_labels import Symbols
from research.corpus.phones import Phone
from research.evaluation.closures import closed_below

Kind = Literal["closure", "rounding", "opening"]
KINDS: tuple[Kind, ...] = ("closure", "rounding", "opening")
TOLERANCE_SECONDS = 0.06
# where the extremum that belongs to a sound is looked for, to measure how late it is
TIMING_REACH_SECONDS = 0.15
RANDOM_TIMES = 40
_STEP_SECONDS = 0.01
# smaller differences (cm) are rounding, not lips
_SAME = 1e-6
_NEEDED: dict[Kind, Callable[[Articulation], bool]] = {
    "closure": lambda sound: sound.lips == "closed",
    "rounding": lambda sound: sound.rounding == "rounded",
    "opening": lambda sound: sound.height == "open",
}


@dataclass(frozen=True, slots=True, order=True)
class Gesture:
    """Time in which one sound, or neighbours that need the same, want the lips to do something."""

    start_seconds: float
    end_seconds: float

    @property
    def middle_seconds(self) -> float:
        """Half way."""
        return 0.5 * (self.start_seconds + self.end_seconds)


@dataclass(frozen=True, slots=True, eq=False)
class LipSignals:
    """gap: (T,) signed height between the inner lips; width: (T,) between the corners; one unit; at ``fps``."""

    gap: NDArray[np.float64]
    width: NDArray[np.float64]
    fps: float

    @property
    def seconds(self) -> float:
        """Time of the last frame."""
        return (len(self.gap) - 1) / self.fps


@dataclass(frozen=True, slots=True)
class GestureScore:
    """Counts, so that clips can be added up. Errors in seconds, positive where the lips are late."""

    count: int = 0
    hits: int = 0
    random_count: int = 0
    random_hits: int = 0
    timed: int = 0
    error_sum_seconds: float = 0.0
    absolute_error_sum_seconds: float = 0.0

    @property
    def share(self) -> float:
        """Gestures that were made at the right time; nan where there were none."""
        return self.hits / self.count if self.count else float("nan")

    @property
    def chance(self) -> float:
        """The same at random times."""
        return self.random_hits / self.random_count if self.random_count else float("nan")

    @property
    def error_seconds(self) -> float:
        """Mean: positive where the lips are late."""
        return self.error_sum_seconds / self.timed if self.timed else float("nan")

    @property
    def absolute_error_seconds(self) -> float:
        """Mean size."""
        return self.absolute_error_sum_seconds / self.timed if self.timed else float("nan")

    def __add__(self, other: GestureScore) -> GestureScore:
        return GestureScore(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def lip_signals(landmarks: FloatArray, fps: float) -> LipSignals:
    """From landmarks (T, 478, 3); the gap is measured as ``core.face.closures.lip_gap`` does."""
    pairs = np.asarray(landmarks, np.float64)[:, OPENING_PAIRS, 1]
    corners = landmarks[:, MOUTH_CORNER_LEFT] - landmarks[:, MOUTH_CORNER_RIGHT]
    return LipSignals((pairs[..., 0] - pairs[..., 1]).mean(axis=1), np.linalg.norm(corners, axis=1), fps)


def gestures(phones: Sequence[Phone], symbols: Symbols, kind: Kind) -> list[Gesture]:
    """When the lips are needed; sounds that follow each other without a break count as one."""
    found: list[Gesture] = []
    for phone in phones:
        parts = articulations_of_ipa(phone.name) if symbols == "ipa" else articulations_of_arpabet(phone.name)
        edges = np.linspace(phone.start_seconds, phone.end_seconds, len(parts) + 1).tolist()
        for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
            if not _NEEDED[kind](part):
                continue
            if found and start - found[-1].end_seconds < _STEP_SECONDS / 2:
                start = found.pop().start_seconds
            found.append(Gesture(start, end))
    return found


def score_gestures(
    signals: LipSignals, phones: Sequence[Phone], symbols: Symbols, rng: np.random.Generator
) -> dict[Kind, GestureScore]:
    """All three kinds for one clip; ``rng`` draws the random times of the chance level."""
    spoken = [phone for phone in phones if phone.name != SILENCE_NAME and phone.end_seconds <= signals.seconds]
    if not spoken:
        return {kind: GestureScore() for kind in KINDS}
    span = Gesture(spoken[0].start_seconds, spoken[-1].end_seconds)
    speaking = _speaking_frames(spoken, signals)
    return {kind: _score(signals, speaking, span, gestures(spoken, symbols, kind), kind, rng) for kind in KINDS}


def _score(
    signals: LipSignals,
    speaking: NDArray[np.bool_],
    span: Gesture,
    wanted: Sequence[Gesture],
    kind: Kind,
    rng: np.random.Generator,
) -> GestureScore:
    times = np.array([(gesture.start_seconds, gesture.end_seconds) for gesture in wanted]).reshape(-1, 2)
    drawn = _elsewhere(np.repeat(times, RANDOM_TIMES, axis=0), span, rng)
    errors = [error for gesture in wanted if (error := _timing_error(signals, gesture, kind)) is not None]
    return GestureScore(
        count=len(times),
        hits=int(_made(signals, speaking, times, kind).sum()),
        random_count=len(drawn),
        random_hits=int(_made(signals, speaking, drawn, kind).sum()),
        timed=len(errors),
        error_sum_seconds=float(np.sum(errors)),
        absolute_error_sum_seconds=float(np.sum(np.abs(errors))),
    )


def _made(
    signals: LipSignals, speaking: NDArray[np.bool_], times: NDArray[np.float64], kind: Kind
) -> NDArray[np.bool_]:
    # (G,) for times (G, 2), start and end in seconds
    if kind == "closure":
        shut = _shut_moments(signals)
        first = np.searchsorted(shut, times[:, 0] - TOLERANCE_SECONDS)
        return first < np.searchsorted(shut, times[:, 1] + TOLERANCE_SECONDS, side="right")
    if kind == "rounding":
        below = float(np.median(signals.width[speaking])) - _SAME
        narrowest: NDArray[np.float64] = _shifted_means(signals.width, signals.fps, times).min(axis=1)
        return narrowest < below
    above = float(np.median(signals.gap[speaking])) + _SAME
    widest: NDArray[np.float64] = _shifted_means(signals.gap, signals.fps, times).max(axis=1)
    return widest > above


def _shut_moments(signals: LipSignals) -> NDArray[np.float64]:
    # seconds of the gap's local minima under a tenth of the clip's range
    frames = local_minima(signals.gap)
    # a mouth that never moves never shuts: its threshold is its gap
    frames = frames[signals.gap[frames] < closed_below(signals.gap)]
    return (frames + _vertex(signals.gap, frames)) / signals.fps


def local_minima(values: FloatArray) -> NDArray[np.intp]:
    """Frames of (T,) values whose neighbours are not below them: both ends count, and all of a flat bottom."""
    padded = np.concatenate([[np.inf], np.asarray(values, np.float64), [np.inf]])
    return np.flatnonzero((padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:]))


def _vertex(values: NDArray[np.float64], frames: NDArray[np.intp]) -> NDArray[np.float64]:
    # offset in frames, within half a frame, of the parabola through each frame and its neighbours
    padded = np.pad(values, 1, mode="edge")
    before, here, after = padded[frames], padded[frames + 1], padded[frames + 2]
    curvature = before - 2 * here + after
    offset = 0.5 * (before - after) / np.where(curvature > 1e-12, curvature, np.inf)
    return np.clip(offset, -0.5, 0.5)


def _shifted_means(values: NDArray[np.float64], fps: float, times: NDArray[np.float64]) -> NDArray[np.float64]:
    # (G, shifts) mean over each time (G, 2), moved by up to the tolerance to both sides, in steps of 10 ms
    reach = round(TOLERANCE_SECONDS / _STEP_SECONDS)
    fine = _at(values, fps, np.arange(0.0, (len(values) - 1) / fps + 1e-9, _STEP_SECONDS))
    sums = np.concatenate([[0.0], np.cumsum(fine)])
    shifts = np.arange(-reach, reach + 1)
    first = np.clip(np.round(times[:, :1] / _STEP_SECONDS).astype(int) + shifts, 0, len(fine) - 1)
    last = np.clip(np.round(times[:, 1:] / _STEP_SECONDS).astype(int) + shifts, first + 1, len(fine))
    return (sums[last] - sums[first]) / (last - first)


def _timing_error(signals: LipSignals, gesture: Gesture, kind: Kind) -> float | None:
    """Seconds from the gesture's middle to the extremum near it; None where the signal only falls or rises there."""
    values = {"closure": signals.gap, "rounding": signals.width, "opening": -signals.gap}[kind]
    first = max(int(np.ceil((gesture.start_seconds - TIMING_REACH_SECONDS) * signals.fps)), 0)
    last = min(int((gesture.end_seconds + TIMING_REACH_SECONDS) * signals.fps), len(values) - 1)
    lowest = first + int(np.argmin(values[first : last + 1]))
    if lowest in (first, last):
        return None
    # between frames of 40 ms: argmin alone would be early on average
    moment = (lowest + float(_vertex(values, np.array([lowest]))[0])) / signals.fps
    return moment - gesture.middle_seconds


def _elsewhere(times: NDArray[np.float64], span: Gesture, rng: np.random.Generator) -> NDArray[np.float64]:
    # times (G, 2) of the same lengths anywhere in the span
    length = times[:, 1] - times[:, 0]
    latest = np.maximum(span.end_seconds - length, span.start_seconds)
    start = rng.uniform(span.start_seconds, latest)
    return np.stack([start, start + length], axis=1)


def _speaking_frames(spoken: Sequence[Phone], signals: LipSignals) -> NDArray[np.bool_]:
    seconds = np.arange(len(signals.gap)) / signals.fps
    inside = [(seconds >= phone.start_seconds) & (seconds < phone.end_seconds) for phone in spoken]
    speaking: NDArray[np.bool_] = np.any(inside, axis=0)
    return speaking if speaking.any() else np.ones_like(speaking)


def _at(values: NDArray[np.float64], fps: float, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(seconds * fps, np.arange(len(values)), values)
