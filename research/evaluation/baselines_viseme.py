# SPDX-License-Identifier: GPL-3.0-or-later
"""A viseme system in the manner of common lip-sync add-ons: phones to 15 mouth shapes, held and smoothed.

The shapes are not drawn by hand but fitted on the training people's tracked motion, and smoothing and timing are
chosen on the same people: as strong as this kind of system gets.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.motion import INTERNAL_FPS, Motion
from core.face.rotations import FloatArray
from research.corpus.clips import Clip
from research.corpus.phones import PhoneTrack, aligned_phones, grid_transcript
from research.evaluation.baselines import FittingClip, face_motion, frame_count, person_weights, weighted_least_squares
from research.evaluation.metrics import lip_error_mm

# the classes that viseme add-ons share: silence, lips shut, lip to teeth, tongue places, spread, open, round
VISEMES = (
    ("SIL",),
    ("B", "M", "P"),
    ("F", "V"),
    ("TH", "DH"),
    ("D", "T", "N"),
    ("K", "G", "NG", "HH"),
    ("CH", "JH", "SH", "ZH"),
    ("S", "Z"),
    ("L",),
    ("R", "ER"),
    ("AA", "AE", "AH", "AY", "AW"),
    ("EH", "EY"),
    ("IH", "IY", "Y"),
    ("AO", "OW", "OY"),
    ("UW", "UH", "W"),
)
SMOOTHING_FRAMES = (1.0, 1.5, 2.0, 2.5, 3.0)
DELAY_FRAMES = (-2.0, -1.0, 0.0, 1.0)
_CHOOSING_CLIPS = 30
_SUBSTEPS = 4


@dataclass(frozen=True, slots=True)
class VisemeTiming:
    """smoothing_frames: deviation of the Gaussian; delay_frames: how much later than the sound the mouth is."""

    smoothing_frames: float
    delay_frames: float


@dataclass(frozen=True, slots=True, eq=False)
class VisemeSystem:
    """shapes: (15, 53) expression and jaw of each viseme."""

    shapes: NDArray[np.float64]
    timing: VisemeTiming
    with_transcript: bool

    @property
    def name(self) -> str:
        """As the tables call it."""
        return "visemes, transcript" if self.with_transcript else "visemes, sound only"

    def motion(self, clip: Clip, speech: Speech) -> Motion | None:
        """None where there is no transcript, or pocketsphinx cannot align."""
        transcript = grid_transcript(clip) if self.with_transcript else None
        if self.with_transcript and transcript is None:
            return None
        track = aligned_phones(clip.key, speech, transcript)
        if track is None:
            return None
        weights = viseme_weights(track, frame_count(speech), self.timing)
        return face_motion(weights @ self.shapes, open_basis())

    def without_transcript(self) -> VisemeSystem:
        """The same shapes, on phones recognised from the sound."""
        return dataclasses.replace(self, with_transcript=False)


def viseme_of(phone: str) -> int:
    """Class of an ARPAbet phone; what is no phone counts as silence."""
    return next((index for index, group in enumerate(VISEMES) if phone in group), 0)


def viseme_weights(track: PhoneTrack, frames: int, timing: VisemeTiming) -> NDArray[np.float64]:
    """(frames, 15): how much of each shape is shown, 1 in sum; held over the phone, then smoothed."""
    fine = np.zeros(frames * _SUBSTEPS, int)
    seconds = ((np.arange(len(fine)) + 0.5) / _SUBSTEPS - 0.5 - timing.delay_frames) / INTERNAL_FPS
    for phone in track.phones:
        fine[(seconds >= phone.start_seconds) & (seconds < phone.end_seconds)] = viseme_of(phone.name)
    held = np.eye(len(VISEMES))[fine]
    smooth = _gaussian(held, timing.smoothing_frames * _SUBSTEPS)
    return smooth.reshape(frames, _SUBSTEPS, -1).mean(axis=1)


def fit_visemes(samples: Sequence[FittingClip]) -> tuple[VisemeSystem, int]:
    """Shapes, smoothing and delay that follow the training people best; and how many clips could not be aligned."""
    found = [(item, _transcript_phones(item)) for item in samples]
    usable = [(item, track) for item, track in found if track is not None]
    choosing = usable[:: max(len(usable) // _CHOOSING_CLIPS, 1)]
    best: tuple[float, VisemeSystem] | None = None
    for smoothing, delay in itertools.product(SMOOTHING_FRAMES, DELAY_FRAMES):
        system = _fit_shapes(usable, VisemeTiming(smoothing, delay))
        error = _training_error(system, choosing)
        if best is None or error < best[0]:
            best = (error, system)
    if best is None:
        raise ValueError("fit_visemes needs clips that can be aligned")
    return best[1], len(found) - len(usable)


def _transcript_phones(item: FittingClip) -> PhoneTrack | None:
    transcript = grid_transcript(item.pair.clip)
    return None if transcript is None else aligned_phones(item.pair.clip.key, item.speech, transcript)


def _fit_shapes(usable: Sequence[tuple[FittingClip, PhoneTrack]], timing: VisemeTiming) -> VisemeSystem:
    samples = [item for item, _ in usable]
    rows = [viseme_weights(track, len(item.pair.motion), timing) for item, track in usable]
    shapes = weighted_least_squares(rows, [item.pair.motion for item in samples], person_weights(samples))
    return VisemeSystem(shapes, timing, with_transcript=True)


def _training_error(system: VisemeSystem, usable: Sequence[tuple[FittingClip, PhoneTrack]]) -> float:
    basis = open_basis()
    errors = []
    for item, track in usable:
        vectors = viseme_weights(track, len(item.pair.motion), system.timing) @ system.shapes
        errors.append(lip_error_mm(item.pair.displacement, basis.displacement(face_motion(vectors, basis))))
    return float(np.mean(errors))


def _gaussian(values: FloatArray, deviation: float) -> NDArray[np.float64]:
    reach = int(np.ceil(3 * deviation))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / max(deviation, 1e-6)) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(np.asarray(values, np.float64), ((reach, reach), (0, 0)), mode="edge")
    return sum(k * padded[i : i + len(values)] for i, k in enumerate(kernel))  # type: ignore[return-value]
