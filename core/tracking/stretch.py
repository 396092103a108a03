# SPDX-License-Identifier: GPL-3.0-or-later
"""The stretch of a track that is used: without cuts, flawed seconds and other people."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ReferenceClipError
from ..face.basis import open_basis
from .face_track import FaceTrack
from .people import find_people
from .seconds import SecondQuality, describe_left_out, judge_seconds


@dataclass(frozen=True, slots=True, eq=False)
class ChosenStretch:
    """track: the frames that are used, without their pictures. notes: sentences on what is left out."""

    track: FaceTrack
    seconds: tuple[SecondQuality, ...]
    notes: tuple[str, ...]


def choose_stretch(track: FaceTrack) -> ChosenStretch:
    """Judge every second, and keep the longest run of good ones; a clip without a flaw is kept whole.

    Raises :class:`ReferenceClipError` where a face is seen but no second of it can be used.
    """
    people = find_people(track)
    seconds = judge_seconds(track, people.person, open_basis())
    bare = dataclasses.replace(track, chips=None)
    breaks = sorted({*track.cuts.tolist(), *people.changes})
    if (not breaks and all(second.usable for second in seconds)) or not track.valid.any():
        return ChosenStretch(bare, seconds, ())
    left_out = describe_left_out(seconds)
    notes = [f"Left out: {'; '.join(left_out)}."] if left_out else []
    if people.count > 1:
        notes.insert(0, f"{people.count} people are seen one after the other; the one who is seen longest is used.")
    # frames, not seconds: a shot begins where it begins
    best = _best_frames(track, seconds, breaks)
    if best is None:
        what = "; ".join(left_out)
        raise ReferenceClipError(
            f"No second of {Path(track.source).name} can be used ({what}).",
            "Choose a clip in which the speaker's face and mouth are seen.",
        )
    return ChosenStretch(
        dataclasses.replace(
            bare, landmarks=track.landmarks[best], seconds=track.seconds[best], valid=track.valid[best]
        ),
        seconds,
        tuple(notes),
    )


def _best_frames(track: FaceTrack, seconds: tuple[SecondQuality, ...], breaks: list[int]) -> slice | None:
    """The run of frames of usable seconds without a break in it that shows the face in most frames."""
    number = np.floor(track.seconds - track.seconds[0] + 1e-6).astype(int)
    good = np.array([seconds[n].usable for n in number])
    # a second of another person may hold frames of the wanted one on this side of the change: left out as well
    starts = np.zeros(len(track), bool)
    starts[[index for index in breaks if index < len(track)]] = True
    runs: list[list[int]] = []
    for index in np.flatnonzero(good):
        if runs and runs[-1][1] == index and not starts[index]:
            runs[-1][1] = int(index) + 1
        else:
            runs.append([int(index), int(index) + 1])
    if not runs:
        return None
    first, last = max(runs, key=lambda run: int(track.valid[run[0] : run[1]].sum()))
    return slice(first, last)
