# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the person in front of the camera changes: at a cut on similar ground, or in a cross-fade."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import open_basis
from ..face.rotations import rotvec_from_matrix
from .align import align
from .cover import covered_frames
from .face_track import FaceTrack

# eyes, brows and nose: what speaking does not move
_UPPER_ROWS = slice(2, 14)
_SKIN = (slice(8, 16), slice(6, 18))
# a look is the median of so many seconds
_WINDOW_SECONDS = 0.4
# looks this far apart around a moment also find a cross-fade
_FADE_SECONDS = 0.5
# of 424 pairs of GRID's people 96 % differ by more; looks of one person 0.4 s apart by less
_STRUCTURE_LIMIT = 0.25
_COLOUR_LIMIT = 0.12
_TOGETHER_LIMIT = 0.25
_TURN_DEGREES = 8.0
# a person who is seen for less is an error of the tracker
_MIN_SECONDS = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """person: (T,) who is seen, counted from 0 in order of appearance. changes: frames that begin another's part."""

    person: NDArray[np.int64]
    changes: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many people are seen."""
        return int(self.person.max(initial=0)) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """structure: light and dark of the upper face, without its brightness; colour: of the skin; pose: degrees."""

    structure: NDArray[np.float32]
    colour: NDArray[np.float32]
    pose: NDArray[np.float64]

    def differs_from(self, other: Look) -> float:
        """Over 1 where two looks are of different people; a head that has turned may look less like itself."""
        turned = float(np.linalg.norm(self.pose - other.pose))
        structure = (1.0 - float(np.corrcoef(self.structure, other.structure)[0, 1])) / (1.0 + turned / _TURN_DEGREES)
        colour = float(np.abs(self.colour - other.colour).max())
        return max(structure / _STRUCTURE_LIMIT, colour / _COLOUR_LIMIT, (structure + colour) / _TOGETHER_LIMIT)


def find_people(track: FaceTrack) -> People:
    """Follow the face's look through the track; one person where the track has no pictures."""
    nobody_else = People(np.zeros(len(track), np.int64), ())
    # what hides a mouth hides half of the look as well
    known = np.flatnonzero(track.valid & ~covered_frames(track))
    window = max(round(_WINDOW_SECONDS * track.fps), 3)
    if track.chips is None or len(known) < 3 * window:
        return nobody_else
    series = _Looks.of(track, known)
    borders = [0, *_changes(series, known, track, window), len(known)]
    parts = [slice(a, b) for a, b in itertools.pairwise(borders) if b > a]
    owner = _owners([series.look(part) for part in parts])
    person = np.zeros(len(track), np.int64)
    for part, who in zip(parts, owner, strict=True):
        last = known[part.stop] if part.stop < len(known) else len(track)
        person[known[part.start] : last] = who
    return People(person, tuple(int(index) for index in np.flatnonzero(np.diff(person)) + 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Looks:
    """What makes a look, of every frame with a face."""

    structure: NDArray[np.float32]
    colour: NDArray[np.float32]
    pose: NDArray[np.float64]

    @classmethod
    def of(cls, track: FaceTrack, known: NDArray[np.int64]) -> _Looks:
        assert track.chips is not None
        chips = track.chips[known]
        upper = chips[:, _UPPER_ROWS].astype(np.float32).mean(axis=3)
        upper -= upper.mean(axis=(1, 2), keepdims=True)
        upper /= upper.std(axis=(1, 2), keepdims=True) + 4.0
        frames, rows, columns = upper.shape
        coarse = upper.reshape(frames, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))
        skin = chips[:, _SKIN[0], _SKIN[1]].astype(np.float32).mean(axis=(1, 2))
        brightness = skin.mean(axis=1, keepdims=True)
        colour = np.concatenate([3.0 * skin / (brightness + 8.0), np.log(brightness + 16.0)], axis=1)
        rotation = align(track.landmarks[known], open_basis().neutral).rotation
        return cls(coarse.reshape(frames, -1), colour, np.degrees(rotvec_from_matrix(rotation)))

    def look(self, part: slice) -> Look:
        """The median over some frames."""
        return Look(*(np.median(values[part], axis=0) for values in (self.structure, self.colour, self.pose)))


def _changes(series: _Looks, known: NDArray[np.int64], track: FaceTrack, window: int) -> list[int]:
    """Indices into the known frames at which another look begins."""
    gap = round(_FADE_SECONDS * track.fps)
    moments = np.arange(window, len(known) - window, max(window // 4, 1))
    score = np.zeros(len(moments))
    for number, moment in enumerate(moments):
        before = series.look(slice(moment - window, moment))
        for later in {moment, min(moment + gap, len(known) - window)}:
            score[number] = max(score[number], before.differs_from(series.look(slice(later, later + window))))
    # cuts are borders in any case; whether the person changes there is decided by the parts around
    found = {int(np.searchsorted(known, cut)) for cut in track.cuts}
    while len(score) and score.max() > 1.0:
        peak = int(score.argmax())
        found.add(_sharpest(series.structure, int(moments[peak]), window + gap))
        score[np.abs(moments - moments[peak]) < window + gap] = 0.0
    spaced: list[int] = []
    for index in sorted(found):
        if 0 < index < len(known) and (not spaced or index - spaced[-1] >= _MIN_SECONDS * track.fps / 2):
            spaced.append(index)
    return spaced


def _sharpest(structure: NDArray[np.float32], around: int, reach: int) -> int:
    """The frame near a moment that differs most from the one before."""
    first, last = max(around - reach, 1), min(around + reach, len(structure) - 1)
    steps = np.abs(structure[first : last + 1] - structure[first - 1 : last]).mean(axis=1)
    return first + int(steps.argmax())


def _owners(looks: list[Look]) -> list[int]:
    """Who each part shows: the first earlier part whose look does not differ, else somebody new."""
    owner: list[int] = []
    for index, look in enumerate(looks):
        same = (owner[j] for j in range(index) if look.differs_from(looks[j]) <= 1.0)
        owner.append(next(same, max(owner, default=-1) + 1))
    return owner
