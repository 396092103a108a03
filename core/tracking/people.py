# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is seen when: one after the other, at cuts on similar ground or in a cross-fade, or side by side."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import checkpoint
from .cover import covered_frames
from .face_track import FaceTrack
from .lanes import Appearance, shots_of
from .looks import Look, Looks

# a look is the median of so many seconds
_WINDOW_SECONDS = 0.4
# looks this far apart around a moment also find a cross-fade
_FADE_SECONDS = 0.5
# a person who is seen for less is an error of the tracker
_MIN_SECONDS = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One of those whom a clip shows. number: from 1, in order of appearance, then from left to right.

    place: where to look for them, in words. track: the whole clip; valid only where this person is seen.
    """

    number: int
    place: str
    track: FaceTrack


def find_people(track: FaceTrack, side_by_side: Sequence[Appearance] = ()) -> tuple[Person, ...]:
    """Everybody whom a clip shows; one person where the track has no pictures.

    side_by_side: the faces of shots that show several; the track's own face counts in the other shots alone.
    """
    seen = [*_one_by_one(track, side_by_side), *side_by_side]
    groups = _grouped(seen)
    if len(groups) < 2:
        return (Person(1, "", track),)
    groups.sort(key=lambda group: (group[0].first, group[0].centre))
    return tuple(
        Person(number, _place(group, groups, track), _track_of(track, group)) for number, group in enumerate(groups, 1)
    )


def _one_by_one(track: FaceTrack, side_by_side: Sequence[Appearance]) -> list[Appearance]:
    """The face that the whole picture shows, parted where it may become another's."""
    if track.chips is None:
        return []
    shots = shots_of(track)
    shared = np.zeros(len(track), bool)
    for number in {face.shot for face in side_by_side}:
        shared[shots[number]] = True
    # what hides a mouth hides half of the look as well
    known = np.flatnonzero(track.valid & ~covered_frames(track) & ~shared)
    window = max(round(_WINDOW_SECONDS * track.fps), 3)
    if len(known) < (window if side_by_side else 3 * window):
        return []
    series = Looks.of(track.landmarks[known], track.chips[known])
    borders = [0, *_changes(series, known, track, window), len(known)]
    starts = np.array([shot.start for shot in shots])
    found = []
    for a, b in itertools.pairwise(borders):
        first, last = int(known[a]), int(known[b]) if b < len(known) else len(track)
        kept = np.where(shared[first:last, None, None], np.nan, track.landmarks[first:last]).astype(np.float32)
        shot = int(np.searchsorted(starts, first, "right")) - 1
        found.append(Appearance(first, kept, track.chips[first:last], shot))
    # what is seen before the first known frame belongs to it
    if found and not side_by_side:
        first_frames = slice(0, found[0].frames.stop)
        found[0] = Appearance(0, track.landmarks[first_frames], track.chips[first_frames], 0)
    return found


def _grouped(seen: Sequence[Appearance]) -> list[list[Appearance]]:
    """Faces of one person together; the most alike first, and never two that are seen at once."""
    looks = [_look(face) for face in seen]
    pairs = [
        (a.apart_from(b), i, j)
        for (i, a), (j, b) in itertools.combinations(enumerate(looks), 2)
        if a is not None and b is not None
    ]
    group = {i: [i] for i, look in enumerate(looks) if look is not None}
    for apart, i, j in sorted(pairs):
        if apart > 1.0:
            break
        if group[i] is not group[j] and not any(_at_once(seen[a], seen[b]) for a in group[i] for b in group[j]):
            joined = sorted(group[i] + group[j])
            group.update(dict.fromkeys(joined, joined))
    found = {id(members): members for members in group.values()}
    return [sorted((seen[i] for i in members), key=lambda face: face.first) for members in found.values()]


def _look(face: Appearance) -> Look | None:
    valid = np.isfinite(face.landmarks[:, 0, 0])
    return Looks.of(face.landmarks[valid], face.chips[valid]).look(slice(None)) if valid.sum() > 2 else None


def _at_once(a: Appearance, b: Appearance) -> bool:
    return a.frames.start < b.frames.stop and b.frames.start < a.frames.stop


def _track_of(track: FaceTrack, faces: Sequence[Appearance]) -> FaceTrack:
    landmarks = np.full_like(track.landmarks, np.nan)
    chips = np.zeros((len(track), *faces[0].chips.shape[1:]), np.uint8)
    for face in faces:
        landmarks[face.frames], chips[face.frames] = face.landmarks, face.chips
    valid = np.isfinite(landmarks[:, 0, 0])
    alone = np.ones_like(track.faces_seen)
    return dataclasses.replace(track, landmarks=landmarks, valid=valid, chips=chips, faces_seen=alone)


def _place(group: Sequence[Appearance], groups: Sequence[Sequence[Appearance]], track: FaceTrack) -> str:
    """Such as "on the left", where all sit side by side, else with the second of the first sight."""
    first = group[0]
    beside = [other for members in groups for other in members if other is not first and _at_once(other, first)]
    side = _side(first, beside, track.frame_width) if beside else ""
    begins = f"from {track.seconds[first.first]:.0f} s"
    if side and len({members[0].first for members in groups}) == 1:
        return side
    return ", ".join(filter(None, (begins, side)))


def _side(face: Appearance, beside: Sequence[Appearance], width: int) -> str:
    left = sum(other.centre < face.centre for other in beside)
    if left == 0:
        return "on the left"
    return "on the right" if left == len(beside) else f"number {left + 1} from the left"


def _changes(series: Looks, known: NDArray[np.int64], track: FaceTrack, window: int) -> list[int]:
    """Indices into the known frames at which another look begins."""
    gap = round(_FADE_SECONDS * track.fps)
    moments = np.arange(window, len(known) - window, max(window // 4, 1))
    score = np.zeros(len(moments))
    for number, moment in enumerate(moments):
        checkpoint()
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
