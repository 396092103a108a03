# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several people speaks: the one whose lips go with the sound. Where that cannot be told, it is asked."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ReferenceClipError
from ..face.basis import open_basis
from ..face.landmarks import mouth_opening
from ..face.motion import INTERNAL_FPS
from .align import align, uniform_landmarks
from .face_track import FaceTrack
from .people import Person
from .sync import correlation_at

# picture and sound of a clip are out of step by less
_REACH_FRAMES = 6
# an agreement over less of a mouth means nothing
_LEAST_FRAMES = INTERNAL_FPS / 2
# between the two best scores; chosen on people who may be trained on (research/evaluation/people.py)
CLEAR_MARGIN = 0.4
# on both sides of the middle of a second, to tell whose turn it is
_TURN_SECONDS = 1.0
# a turn that is shorter is an error
_MIN_TURN_SECONDS = 2
_MAX_CORRELATION = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Speaker:
    """The person to learn from. note: a sentence on the choice, empty where there was none to make.

    others_turn: for each second of the clip, whether somebody else speaks in it.
    """

    person: Person
    note: str
    others_turn: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Lips:
    """opening: (T,) of the mouth at 25 fps, NaN where the person is not seen. agreement: with the sound."""

    person: Person
    opening: NDArray[np.float64]
    lag: int
    agreement: float

    @property
    def score(self) -> float:
        """See :func:`score_of`."""
        return score_of(self.agreement, np.isfinite(self.opening).sum() / INTERNAL_FPS)


def choose_speaker(
    people: Sequence[Person], expected: NDArray[np.floating] | None, wanted: int | None = None
) -> Speaker:
    """The person of the wanted number, else by lips and sound.

    expected: (T,) the mouth's opening at 25 fps that goes with the sound, from the track's first picture on; None
    where there is no sound. Raises :class:`ReferenceClipError` where one has to be chosen by whoever has the clip.
    """
    track = people[0].track
    nobody = np.zeros(int(track.seconds[-1] - track.seconds[0] + 1e-6) + 1, bool)
    if wanted is not None and not 1 <= wanted <= len(people):
        raise ReferenceClipError(
            f"{Path(track.source).name} shows {_count(people)}; there is no person {wanted}.", _choices(people)
        )
    if len(people) == 1:
        return Speaker(people[0], "", nobody)
    if expected is None:
        chosen = people[wanted - 1] if wanted else _longest_seen(people)
        return Speaker(chosen, _note(people, chosen, "" if wanted else "seen longest"), nobody)
    lips = [_lips_of(person, expected) for person in people]
    ranked = sorted(lips, key=lambda found: found.score, reverse=True)
    best = lips[wanted - 1] if wanted else ranked[0]
    if wanted is None and _seen_together(ranked[0], ranked[1]) and ranked[0].score - ranked[1].score < CLEAR_MARGIN:
        raise _not_told(people, lips)
    rival = ranked[1] if best is ranked[0] else ranked[0]
    why = f"lips and sound agree by {best.agreement:.2f}, the next one's by {rival.agreement:.2f}"
    turns = _others_turns(best, lips, expected, len(nobody))
    return Speaker(best.person, _note(people, best.person, "" if wanted else why), turns)


def _lips_of(person: Person, expected: NDArray[np.floating]) -> _Lips:
    opening = _opening(person.track)[: len(expected)]
    return _Lips(person, opening, *lips_agreement(opening, expected))


def lips_agreement(opening: NDArray[np.floating], expected: NDArray[np.floating]) -> tuple[int, float]:
    """The lag in frames (positive: the picture is late) at which the mouth goes best with the sound, and how well."""
    lags = range(-_REACH_FRAMES, _REACH_FRAMES + 1)
    agreements = [correlation_at(opening, expected, lag, _LEAST_FRAMES) for lag in lags]
    best = int(np.argmax(agreements))
    return lags[best], agreements[best]


def score_of(agreement: float, seconds: float) -> float:
    """By how many standard deviations lips and sound agree, but for a factor (Fisher 1915)."""
    return float(_fisher(agreement) * np.sqrt(seconds))


def _opening(track: FaceTrack) -> NDArray[np.float64]:
    if not track.valid.any():
        return np.full(len(track), np.nan)
    uniform = uniform_landmarks(track, INTERNAL_FPS, float(track.seconds[0]))
    opening = np.asarray(mouth_opening(align(uniform.landmarks, open_basis().neutral).landmarks), np.float64)
    seen = track.seconds[track.valid]
    half = 0.5 / INTERNAL_FPS
    inside = (uniform.seconds >= seen[0] - half) & (uniform.seconds <= seen[-1] + half)
    return np.where(uniform.measured & inside, opening, np.nan)


def _fisher(correlation: float) -> float:
    return float(np.arctanh(np.clip(correlation, -_MAX_CORRELATION, _MAX_CORRELATION)))


def _others_turns(
    chosen: _Lips, lips: Sequence[_Lips], expected: NDArray[np.floating], seconds: int
) -> NDArray[np.bool_]:
    found = np.zeros(seconds, bool)
    for second in range(seconds):
        middle = (second + 0.5) * INTERNAL_FPS
        reach = _TURN_SECONDS * INTERNAL_FPS
        around = slice(max(round(middle - reach), 0), round(middle + reach))
        scores = {
            id(each): _fisher(correlation_at(each.opening[around], expected[around], each.lag, _LEAST_FRAMES))
            for each in lips
        }
        found[second] = max(scores.values()) > scores[id(chosen)]
    begin = 0
    for other, run in itertools.groupby(found.tolist()):
        length = len(list(run))
        if other and length < _MIN_TURN_SECONDS:
            found[begin : begin + length] = False
        begin += length
    # a second that two turns meet in belongs to nobody
    return found | np.append(found[1:], False) | np.append(False, found[:-1])


def _seen_together(a: _Lips, b: _Lips) -> bool:
    """For most of the time that the shorter one is seen."""
    first, second = a.person.track.valid, b.person.track.valid
    return bool((first & second).sum() > 0.5 * min(first.sum(), second.sum()))


def _longest_seen(people: Sequence[Person]) -> Person:
    ranked = sorted(people, key=lambda person: int(person.track.valid.sum()), reverse=True)
    together = (ranked[0].track.valid & ranked[1].track.valid).sum()
    if together > 0.5 * ranked[1].track.valid.sum():
        raise ReferenceClipError(
            f"{Path(ranked[0].track.source).name} shows {_count(people)} and has no sound that tells who speaks.",
            _choices(people),
        )
    return ranked[0]


def _not_told(people: Sequence[Person], lips: Sequence[_Lips]) -> ReferenceClipError:
    said = ", ".join(f"{found.person.place} {found.agreement:.2f}" for found in lips)
    return ReferenceClipError(
        f"{Path(people[0].track.source).name} shows {_count(people)}, and the sound does not tell which of them "
        f"speaks (agreement of lips and sound: {said}).",
        _choices(people),
    )


def _note(people: Sequence[Person], chosen: Person, why: str) -> str:
    how = f" ({why}). Another can be chosen." if why else "."
    return f"{_count(people)} are seen; person {chosen.number}, {chosen.place}, is used{how}"


def _choices(people: Sequence[Person]) -> str:
    if len(people) == 1:
        return "Leave the choice of a person to Automatic."
    listed = ", ".join(f"{person.number} ({person.place})" for person in people)
    return f"Choose the person to learn from: {listed}."


def _count(people: Sequence[Person]) -> str:
    return "1 person" if len(people) == 1 else f"{len(people)} people"
