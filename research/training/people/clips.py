# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of talking people: who is in it, which clips can be used, how far picture and sound are apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.audio.decode import require_sound
from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import MimeshError, SettingsError
from core.face.basis import FaceBasis, open_basis
from core.face.closures import lip_gap
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS, Motion
from core.tracking.align import align, uniform_landmarks
from core.tracking.sync import SyncOffset, measure_offset
from research.corpus.clips import Clip, load_tracked
from research.evaluation.accuracy import TruthClip
from research.training.motion_data import MIN_VALID_SHARE, MotionPair, load_pair
from research.training.pose.data import MEDIA_SUFFIXES

MIN_SECONDS = 1.0
# a shorter clip cannot tell its offset alone: its person's clips tell it together
OWN_OFFSET_SECONDS = 8.0
# every n-th clip of a person is for the card alone; of a single clip this share, its end
HELDOUT_EVERY = 5
HELDOUT_SHARE = 0.2
SAMPLES_PER_FRAME = round(SAMPLE_RATE / INTERNAL_FPS)
Generate = Callable[[Speech], Motion]


@dataclass(frozen=True, slots=True)
class CheckedClip:
    """A clip with the delay of its picture, or why it is left out (empty where it is used)."""

    clip: Clip
    seconds: float
    offset: SyncOffset | None
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PeopleData:
    """training: what is learnt from. heldout: what the card is measured on."""

    training: list[MotionPair]
    heldout: list[TruthClip]

    @property
    def people(self) -> list[str]:
        """Everybody who is learnt from."""
        return sorted({pair.clip.person for pair in self.training})


def folder_group(folder: Path) -> str:
    """Names the folder in caches: two folders may both have a clip01."""
    return f"people-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"


def find_clips(folder: Path) -> list[Clip]:
    """Every video below the folder; its sub-folder names the person, a video beside them is a person of its own.

    Raises :class:`SettingsError` where there is none, or two of one person have one name.
    """
    if not folder.is_dir():
        raise SettingsError(f"The folder {folder} does not exist.", "Name a folder whose sub-folders name people.")
    group, found = folder_group(folder), dict[str, Clip]()
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in MEDIA_SUFFIXES):
        inner = path.relative_to(folder).parts
        clip = Clip(group, inner[0] if len(inner) > 1 else path.stem, path)
        if clip.key in found:
            raise SettingsError(
                f"{found[clip.key].path} and {path} are two clips of {clip.person} with one name.", "Rename one."
            )
        found[clip.key] = clip
    if not found:
        raise SettingsError(
            f"The folder {folder} holds no video.",
            f"Put {', '.join(MEDIA_SUFFIXES)} files into a sub-folder a person.",
        )
    return list(found.values())


def check(clip: Clip, generate: Generate) -> CheckedClip:
    """Track the clip (once) and measure how far its picture is behind what the bundled network makes of its sound."""
    try:
        tracked = load_tracked(clip)
        require_sound(tracked.speech)
    except MimeshError as error:
        return CheckedClip(clip, 0.0, None, str(error))
    seconds, seen = tracked.speech.seconds, float(tracked.track.valid.mean())
    if seconds < MIN_SECONDS:
        return CheckedClip(clip, seconds, None, f"it has only {seconds:.1f} s")
    if seen < MIN_VALID_SHARE:
        return CheckedClip(clip, seconds, None, f"the face is seen in {seen:.0%} of its frames only")
    if len(tracked.track.cuts):
        return CheckedClip(clip, seconds, None, f"it has {len(tracked.track.cuts)} cuts; split it there")
    basis = open_basis()
    landmarks = align(uniform_landmarks(tracked.track, INTERNAL_FPS, 0.0).landmarks, basis.neutral).landmarks
    offset = measure_offset(mouth_opening(landmarks), lip_gap(basis, generate(tracked.speech)), INTERNAL_FPS)
    return CheckedClip(clip, seconds, offset)


def with_offsets(checked: Sequence[CheckedClip]) -> list[Clip]:
    """The usable clips; one that is short or cannot tell its offset takes the median of its person's clips."""
    clips = []
    for item in checked:
        if item.problem or item.offset is None:
            continue
        own = [
            other.offset.offset_seconds
            for other in checked
            if other.clip.person == item.clip.person and other.offset and other.offset.reliable and not other.problem
        ]
        median = float(np.median(own)) if own else 0.0
        tells = item.offset.reliable and item.seconds >= OWN_OFFSET_SECONDS
        delay = item.offset.offset_seconds if tells else median
        clips.append(replace(item.clip, picture_delay_seconds=round(delay, 3)))
    return clips


def split(clips: Sequence[Clip], basis: FaceBasis) -> PeopleData:
    """Pairs to learn from and pairs to be measured on. Raises :class:`SettingsError` where nothing is left."""
    training, heldout = list[MotionPair](), list[TruthClip]()
    for person in sorted({clip.person for clip in clips}):
        found = (load_pair(clip, basis) for clip in clips if clip.person == person)
        pairs = [pair for pair in found if pair is not None]
        if len(pairs) == 1:
            last = round((1 - HELDOUT_SHARE) * len(pairs[0].motion))
            training.append(pairs[0].cut(last))
            heldout.append(_truth(pairs[0], last))
            continue
        kept = pairs[HELDOUT_EVERY - 1 :: HELDOUT_EVERY] or pairs[-1:]
        heldout += [_truth(pair, 0) for pair in kept]
        training += [pair for pair in pairs if pair not in kept]
    if not training:
        raise SettingsError("No clip of the folder can be learnt from.", "See above what is wrong with each.")
    return PeopleData(training, heldout)


def _truth(pair: MotionPair, first: int) -> TruthClip:
    """The clip from frame ``first`` on, as it is scored."""
    speech = load_tracked(pair.clip).speech
    samples = speech.samples[first * SAMPLES_PER_FRAME : len(pair.motion) * SAMPLES_PER_FRAME]
    return TruthClip(pair.clip, Speech(samples, speech.source), pair.displacement[first:].astype(np.float64))
