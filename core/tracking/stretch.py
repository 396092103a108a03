# SPDX-License-Identifier: GPL-3.0-or-later
"""The stretch of a track that is used: without cuts, flawed seconds and other people."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ReferenceClipError
from ..face.basis import open_basis
from .face_track import FaceTrack
from .seconds import SecondQuality, describe_left_out, judge_seconds
from .speaker import Speaker

_LEFT_OUT = "Left out:"


@dataclass(frozen=True, slots=True, eq=False)
class ChosenStretch:
    """track: the frames that are used, without their pictures. notes: sentences on what is left out."""

    track: FaceTrack
    seconds: tuple[SecondQuality, ...]
    notes: tuple[str, ...]

    @property
    def left_out(self) -> str:
        """The sentence on the seconds that are not used."""
        return next((note for note in self.notes if note.startswith(_LEFT_OUT)), "")


def choose_stretch(speaker: Speaker, others: Sequence[FaceTrack] = ()) -> ChosenStretch:
    """Judge every second, and keep the longest run of good ones; a clip without a flaw is kept whole.

    others: the tracks of the other people. Raises :class:`ReferenceClipError` where a face is seen but no second of it
    can be used.
    """
    track = speaker.person.track
    seconds = judge_seconds(track, open_basis(), speaker.person.number - 1, others, speaker.others_turn)
    bare = dataclasses.replace(track, chips=None, boxes=())
    breaks = track.cuts.tolist()
    if (not breaks and all(second.usable for second in seconds)) or not track.valid.any():
        return ChosenStretch(bare, seconds, tuple(filter(None, (speaker.note,))))
    left_out = describe_left_out(seconds)
    notes = filter(None, (speaker.note, f"{_LEFT_OUT} {'; '.join(left_out)}." if left_out else ""))
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
