# SPDX-License-Identifier: GPL-3.0-or-later
"""s1's face saying what other voices say: read English by many speakers, with motion put together from s1's clips.

GRID has 51 words; the phones of LibriSpeech, LJSpeech and VCTK come in all contexts. What no GRID word shows is
answered by what looks most alike. The motion is made up, the sound is real: a teacher for the ear, not for the face.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS
from core.models.speech.articulation import ARPABET, SILENCE_NAME, articulations_of_arpabet
from research.corpus.clips import KNOWN_TALKER, training_clips
from research.corpus.lip_prior import as_motion
from research.corpus.phones import Phone, grid_transcript
from research.corpus.speech import Utterance, phones_of
from research.corpus.unit_selection import Inventory, PhoneSequence, SelectionSettings, build_inventory, render, select
from research.training.motion_data import load_pair


@dataclass(frozen=True, slots=True)
class RetimingSettings:
    """How many selections are averaged, how firmly lips meet, and how long a believed phone may be.

    The mean of several selections with no unit in common is nearer to what the talker would have done than the best
    one. At closed phones it turns to the most closed of them: exp(-closing_per_cm x opening).
    """

    selection: SelectionSettings = field(default_factory=SelectionSettings)
    selections: int = 4
    closing_per_cm: float = 10.0
    longest_phone_seconds: float = 0.4


def talker_inventory(
    data: Path, basis: FaceBasis, picture_delay_seconds: float, settings: RetimingSettings
) -> Inventory:
    """Units of s1's training clips, of those whose alignment is believable."""
    pairs, tracks = [], []
    for clip in training_clips(data):
        if clip.person != KNOWN_TALKER:
            continue
        track = phones_of(Utterance("grid", clip.person, clip.path, grid_transcript(clip, data)))
        if track is None or track.method != "transcript" or any(_doubtful(p, settings) for p in track.phones):
            continue
        pair = load_pair(clip, basis, picture_delay_seconds)
        if pair is not None:
            pairs.append(pair)
            tracks.append(track.phones)
    return build_inventory(pairs, tracks)


def retime(
    target: PhoneSequence,
    inventory: Inventory,
    basis: FaceBasis,
    frame_count: int,
    settings: RetimingSettings,
    forbidden: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """(frame_count, 53) at 25 fps: the mean of several selections that share no unit, closed where phones are closed.

    forbidden: (phones, units) that must not be used, see :func:`unit_selection.select`.
    """
    used = np.zeros((len(target), len(inventory)), bool) if forbidden is None else forbidden.copy()
    versions = []
    for _ in range(settings.selections):
        units = select(target, inventory, settings.selection, used)
        used[:, units] = True
        versions.append(render(target, units, inventory, frame_count))
    openings = [mouth_opening(basis.landmarks(as_motion(version, basis, INTERNAL_FPS))) for version in versions]
    sharpness = settings.closing_per_cm * _closed_frames(target, frame_count)
    return mix(np.stack(versions), np.stack(openings), sharpness)


def mix(
    versions: NDArray[np.float32], openings: NDArray[np.floating], sharpness: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(R, T, 53) versions to their mean (T, 53), weighted by exp(-sharpness (T,) x opening (R, T))."""
    weight = np.exp(-sharpness * (openings - openings.min(axis=0)))
    weight /= weight.sum(axis=0)
    return np.asarray((weight[:, :, None] * versions).sum(axis=0), np.float32)


def _doubtful(phone: Phone, settings: RetimingSettings) -> bool:
    return phone.name != SILENCE_NAME and phone.end_seconds - phone.start_seconds > settings.longest_phone_seconds


def _closed_frames(target: PhoneSequence, frame_count: int) -> NDArray[np.float64]:
    """(T,) 1 where lips are closed in the phone at that time (m, b, p), else 0."""
    closed = np.array([any(sound.lips == "closed" for sound in articulations_of_arpabet(name)) for name in ARPABET])
    seconds = np.arange(frame_count) / INTERNAL_FPS
    phone = np.clip(np.searchsorted(target.end, seconds, side="right"), 0, len(target) - 1)
    return closed[target.name[phone]].astype(np.float64)
