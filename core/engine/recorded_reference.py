# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording of Apple's 52 shapes as a reference: as if its face had been tracked, with the sound beside it.

Live Link Face writes take_iPhone.csv (and take_iPhone_cal.csv) beside take_iPhone.mov, whose sound is taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arkit.read import read_recording
from ..arkit.recording import recorded_motion
from ..audio.decode import load_speech, require_sound
from ..audio.speech import Speech
from ..errors import MediaError, ReferenceClipError
from ..exchange.media_range import MediaRange
from ..face.basis import open_basis
from ..face.landmarks import mouth_opening
from ..face.motion import INTERNAL_FPS
from ..face.rotations import matrix_from_rotvec
from ..tracking.align import align, uniform_landmarks
from ..tracking.face_track import FaceTrack
from ..tracking.quality import MIN_USABLE_SECONDS
from ..tracking.reference import ExpectedOpening, TrackedReference, fit_track
from ..tracking.sync import SyncOffset, measure_offset

SOUND_SUFFIXES = (".mov", ".mp4", ".m4v", ".webm", ".mkv", ".wav", ".m4a", ".aif", ".aiff", ".flac", ".ogg", ".mp3")
# what apps add to the name of one and the same take
_VERSIONS = ("_cal", "_raw", "_neutral")
# of a picture that such a face would fill
_PIXELS_PER_CM, _PICTURE_PIXELS = 30.0, 1024
_TO_PIXEL_AXES = np.array([1.0, -1.0, -1.0])


def recorded_reference(
    source: MediaRange, progress: Callable[[float], None], expected_opening: ExpectedOpening | None = None
) -> TrackedReference:
    """The recording's range with its sound, put in step with it. Raises :class:`MimeshError`."""
    progress(0.0)
    track, notes = recorded_track(source)
    sound = sound_beside(source.path)
    first, last = float(track.seconds[0]), float(track.seconds[-1]) + 1.0 / track.fps
    speech = _speech(sound, first, last, source.track) if sound is not None else None
    progress(0.5)
    offset = None
    if speech is not None:
        offset = _offset(track, first, speech, expected_opening)
    elif sound is None:
        notes = (*notes, f"There is no sound beside {source.path.name}; put take.wav or take.mov beside take.csv.")
    late = offset.offset_seconds if offset is not None else 0.0
    reference = fit_track(track, first + late, speech, offset, 0)
    progress(1.0)
    warnings = (*notes, *reference.report.warnings)
    report = dataclasses.replace(reference.report, warnings=warnings, used_seconds=(first, last))
    return dataclasses.replace(reference, report=report)


def recorded_track(source: MediaRange) -> tuple[FaceTrack, tuple[str, ...]]:
    """The recorded face as landmarks in a picture, seconds counted from the recording's first frame; and notes."""
    recording = read_recording(source.path)
    motion = recorded_motion(recording, from_rest=False)
    seconds = np.arange(len(motion)) / motion.fps
    end = np.inf if source.end_seconds is None else source.end_seconds
    wanted = np.flatnonzero((seconds >= source.start_seconds) & (seconds < end))
    if len(wanted) < MIN_USABLE_SECONDS * motion.fps:
        raise ReferenceClipError(
            f"The recording {source.path.name} has {len(wanted) / motion.fps:.1f} s in this range.",
            f"Choose at least {MIN_USABLE_SECONDS:g} s, better ten.",
        )
    part = motion.part(int(wanted[0]), int(wanted[-1]) + 1)
    points = open_basis().landmarks(part).astype(np.float64)
    turned = np.einsum("tij,tnj->tni", matrix_from_rotvec(part.head), points)
    pixels = turned * _TO_PIXEL_AXES * _PIXELS_PER_CM + (_PICTURE_PIXELS / 2, _PICTURE_PIXELS / 2, 0.0)
    track = FaceTrack(
        landmarks=pixels.astype(np.float32),
        seconds=seconds[wanted],
        valid=np.ones(len(wanted), bool),
        faces_seen=np.ones(1, np.int32),
        cuts=np.zeros(0, np.int64),
        frame_width=_PICTURE_PIXELS,
        frame_height=_PICTURE_PIXELS,
        source=str(source.path),
    )
    return track, recording.notes


def sound_beside(path: Path) -> Path | None:
    """The take's sound or film, which has its name; None without."""
    stem = path.stem
    for version in _VERSIONS:
        stem = stem.removesuffix(version)
    for name in dict.fromkeys((path.stem, stem)):
        for suffix in SOUND_SUFFIXES:
            for beside in (path.with_name(name + suffix), path.with_name(name + suffix.upper())):
                if beside.is_file():
                    return beside
    return None


def _speech(sound: Path, first: float, last: float, track: int | None) -> Speech | None:
    """None where there is nothing worth learning from: the recorded face still serves."""
    try:
        speech = load_speech(sound, first, last, track)
        require_sound(speech)
    except MediaError:
        return None
    return speech


def _offset(
    track: FaceTrack, first: float, speech: Speech, expected_opening: ExpectedOpening | None
) -> SyncOffset | None:
    """How late the face is against the sound: film and shapes of a phone begin at slightly different moments."""
    if expected_opening is None:
        return None
    uniform = uniform_landmarks(track, INTERNAL_FPS, first)
    opening: NDArray[np.floating] = mouth_opening(align(uniform.landmarks, open_basis().neutral).landmarks)
    return measure_offset(opening, np.asarray(expected_opening(speech)), INTERNAL_FPS)
