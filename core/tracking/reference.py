# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference clip to everything the style needs: motion in step with its sound, and how good it is."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..audio.decode import load_speech, require_sound
from ..audio.speech import Speech
from ..errors import MediaError
from ..face.basis import FaceBasis, open_basis
from ..face.landmarks import mouth_opening
from ..face.motion import INTERNAL_FPS, Motion
from ..face.rotations import relative_to_mean
from .align import PoseFreeTrack, align, uniform_landmarks
from .face_track import FaceTrack
from .fit import fit
from .landmarker import LandmarkerMaker, open_tracker
from .lanes import Appearance, find_lanes, track_lanes
from .people import Person, find_people
from .quality import QualityReport, report, require_usable
from .seconds import SecondQuality, with_agreement
from .smooth import neutral_face, savitzky_golay, smooth_landmarks
from .speaker import choose_speaker
from .stretch import choose_stretch
from .survey import survey
from .sync import SyncOffset, loudness, measure_offset
from .tracker import Progress, track_face, turned_frames
from .upright import quarter_turns
from .video import VideoFrame

ExpectedOpening = Callable[[Speech], NDArray[np.floating]]
HEAD_WINDOW_FRAMES = 7
# of the progress, where a long recording is looked through first
_SURVEY_SHARE = 0.3
_TURNED = {
    1: "The picture lies on its side and was turned upright.",
    2: "The picture is upside down and was turned.",
    3: "The picture lies on its side and was turned upright.",
}


@dataclass(frozen=True, slots=True, eq=False)
class TrackedReference:
    """One person's clip, at 25 fps, frame k in step with second k / 25 of ``speech``.

    landmarks: (T, 478, 3) pose-free cm; neutral: (478, 3) the clip's resting face; weights: (T,) reliability 0..1.
    speech is None where the clip has no usable sound. picture: a PNG of the clip with its landmarks, where one was
    asked for.
    """

    motion: Motion
    track: FaceTrack
    speech: Speech | None
    report: QualityReport
    landmarks: NDArray[np.float32]
    neutral: NDArray[np.float32]
    weights: NDArray[np.float32]
    picture: bytes = b""


def track_reference(
    path: Path,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    progress: Progress = lambda fraction: None,
    expected_opening: ExpectedOpening | None = None,
    sound_track: int | None = None,
    person: int | None = None,
) -> TrackedReference:
    """Track, judge, align to the sound and fit. Raises :class:`MediaError` or :class:`ReferenceClipError`.

    Of a long or flawed recording the best stretch is used, and told. person: which of several, from 1; None leaves it
    to lips and sound.

    ``expected_opening`` maps speech to the mouth opening (T,) at 25 fps that it should come with (the engine
    passes its expression model). Loudness stands in without it, and is too rough to shift a clip by.
    """
    rising = _Rising(progress)
    tracker = open_tracker()
    rising.tick()
    part = survey(tracker, path, start_seconds, end_seconds, lambda fraction: rising(_SURVEY_SHARE * fraction))
    turns = quarter_turns(tracker, path, part.start_seconds, part.end_seconds, rising.tick)
    whole = track_face(path, part.start_seconds, part.end_seconds, rising, turns)
    frames = turned_frames(path, part.start_seconds, part.end_seconds, turns)
    people = find_people(whole, _side_by_side(tracker, whole, frames, rising))
    rising.tick()
    speaker = choose_speaker(people, _expected(people, path, sound_track, expected_opening, rising.tick), person)
    rising.tick()
    others = [each.track for each in people if each is not speaker.person]
    chosen = choose_stretch(speaker, others)
    track = chosen.track
    require_usable(track, chosen.left_out)
    cut_out = len(track) < len(whole)
    first = max(float(track.seconds[0]), part.start_seconds) if cut_out else part.start_seconds
    last = float(track.seconds[-1]) + 1.0 / track.fps
    speech = _usable_speech(path, first, last, sound_track, rising.tick)
    basis = open_basis()
    offset = None
    if speech is not None:
        offset = _offset(track, first, speech, basis, expected_opening)
        rising.tick()
    first_seconds = first + (offset.offset_seconds if offset else 0.0)
    reference = fit_track(track, first_seconds, speech, offset, len(whole.cuts))
    rising.tick()
    notes = (part.note, _TURNED.get(turns, ""), *chosen.notes, *(speech.notes if speech else ()))
    measured = dataclasses.replace(
        reference.report,
        warnings=(*filter(None, notes), *reference.report.warnings),
        used_seconds=(first, last),
        bar=_agreeing(speaker.person.track, chosen.seconds, path, sound_track, rising.tick),
    )
    return dataclasses.replace(reference, report=measured)


@dataclass(slots=True)
class _Rising:
    """Progress that never goes back; :meth:`tick` says only that work goes on, and lets it be cancelled."""

    progress: Progress
    reached: float = 0.0

    def __call__(self, fraction: float) -> None:
        self.reached = max(self.reached, fraction)
        self.progress(self.reached)

    def tick(self) -> None:
        self.progress(self.reached)


def _side_by_side(
    tracker: LandmarkerMaker, whole: FaceTrack, frames: Iterator[VideoFrame], progress: Progress
) -> list[Appearance]:
    """The faces of the shots that show several; looked at once more, and only where there are such."""
    lanes = find_lanes(whole)
    return track_lanes(tracker, frames, whole, lanes, progress) if lanes else []


def _expected(
    people: Sequence[Person],
    path: Path,
    sound_track: int | None,
    expected: ExpectedOpening | None,
    tick: Callable[[], None],
) -> NDArray[np.floating] | None:
    """(T,) the opening that the clip's sound comes with; None where it is not needed, or cannot be known."""
    if len(people) < 2 or expected is None:
        return None
    track = people[0].track
    last = float(track.seconds[-1]) + 1.0 / track.fps
    speech = _usable_speech(path, float(track.seconds[0]), last, sound_track, tick)
    return None if speech is None else np.asarray(expected(speech))


def _agreeing(
    track: FaceTrack,
    seconds: tuple[SecondQuality, ...],
    path: Path,
    sound_track: int | None,
    tick: Callable[[], None],
) -> tuple[SecondQuality, ...]:
    """The seconds with how well mouth and loudness agree in each."""
    first = float(track.seconds[0])
    speech = _usable_speech(path, first, float(track.seconds[-1]) + 1.0 / track.fps, sound_track, tick)
    if speech is None:
        return seconds
    if not track.valid.any():
        return seconds
    uniform = uniform_landmarks(track, INTERNAL_FPS, first)
    opening = mouth_opening(align(uniform.landmarks, open_basis().neutral).landmarks)
    return with_agreement(seconds, opening, loudness(speech, INTERNAL_FPS, len(opening)), INTERNAL_FPS)


def longest_shot(track: FaceTrack) -> FaceTrack:
    """The stretch between cuts with the most tracked frames."""
    if len(track.cuts) == 0:
        return track
    edges = [0, *track.cuts.tolist(), len(track)]
    shots = [slice(a, b) for a, b in itertools.pairwise(edges)]
    best = max(shots, key=lambda shot: int(track.valid[shot].sum()))
    return dataclasses.replace(
        track, landmarks=track.landmarks[best], seconds=track.seconds[best], valid=track.valid[best]
    )


def _usable_speech(
    path: Path, start_seconds: float, end_seconds: float, track: int | None, tick: Callable[[], None]
) -> Speech | None:
    """The clip's sound, or None where it has none worth learning from: the picture still serves."""
    try:
        speech = load_speech(path, start_seconds, end_seconds, track, lambda fraction: tick())
        require_sound(speech)
    except MediaError:
        return None
    return speech


def _offset(
    track: FaceTrack, start_seconds: float, speech: Speech, basis: FaceBasis, expected: ExpectedOpening | None
) -> SyncOffset:
    uniform = uniform_landmarks(track, INTERNAL_FPS, start_seconds)
    tracked = mouth_opening(align(uniform.landmarks, basis.neutral).landmarks)
    if expected is None:
        return measure_offset(tracked, loudness(speech, INTERNAL_FPS, len(tracked)), INTERNAL_FPS, search_frames=0)
    return measure_offset(tracked, np.asarray(expected(speech)), INTERNAL_FPS)


def fit_track(
    track: FaceTrack, first_seconds: float, speech: Speech | None, offset: SyncOffset | None, cuts: int
) -> TrackedReference:
    """The reference of a track that is known already.

    Second ``first_seconds`` of its picture goes with the sound's beginning. cuts: how many shots were left out.
    """
    basis = open_basis()
    uniform = uniform_landmarks(track, INTERNAL_FPS, first_seconds)
    free = align(uniform.landmarks, basis.neutral)
    landmarks = smooth_landmarks(free.landmarks)
    neutral = neutral_face(landmarks)
    fitted = fit(landmarks - neutral, basis)
    frames = len(landmarks) if speech is None else min(len(landmarks), round(speech.seconds * INTERNAL_FPS))
    motion = Motion(
        fps=INTERNAL_FPS,
        expression=fitted.expression[:frames],
        jaw=fitted.jaw[:frames],
        head=_head_rotvec(free)[:frames],
        gaze=fitted.gaze[:frames],
        basis_name=basis.name,
        basis_hash=basis.hash,
    )
    return TrackedReference(
        motion=motion,
        track=track,
        speech=speech,
        report=report(track, uniform, free, offset, cuts),
        landmarks=landmarks[:frames].astype(np.float32),
        neutral=neutral.astype(np.float32),
        weights=_reliability(free, uniform.measured)[:frames],
    )


def _head_rotvec(free: PoseFreeTrack) -> NDArray[np.float32]:
    """(T, 3) rotation relative to the mean pose, in the resting head's own axes, lightly smoothed."""
    return savitzky_golay(relative_to_mean(free.rotation), HEAD_WINDOW_FRAMES).astype(np.float32)


def _reliability(free: PoseFreeTrack, measured: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(T,) 1 where the stable points fit as in the median frame, falling to 0 at three times its residual."""
    typical = max(float(np.median(free.residual)), 1e-6)
    weight = np.clip(1.5 - free.residual / (2 * typical), 0.0, 1.0) * measured
    return weight.astype(np.float32)
