# SPDX-License-Identifier: GPL-3.0-or-later
"""Blink and gaze statistics of a speaker from tracked clips, shrunk towards typical values.

Where the default comes from. Rate: Bentivoglio et al., "Analysis of blink rate patterns in normal subjects"
(Movement Disorders 12, 1997) count 17 blinks a minute at rest and 26 in conversation; Doughty (Optometry and
Vision Science 78, 2001) puts conversation at 10.5 to 32.5. A person speaking to a camera lies between. Duration and
clustering: the middle of the people whom ``python -m research.evaluation eyes`` measures. Those differ in whether they
like pauses (0.4 to 3 times chance); free speakers do on average, if little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...audio.speech import Speech
from ...face.blink_events import Blink, find_blinks, lid_noise
from ...face.lids import lid_opening
from ...face.rotations import FloatArray
from ...style.parts import EyesPart
from .gaze import NATURAL_SPREAD_RADIANS
from .pauses import speech_pauses

if TYPE_CHECKING:
    from ...tracking.reference import TrackedReference

NATURAL_EYES = EyesPart(blinks_per_minute=20.0, blink_seconds=0.22, clustering=0.4, pause_share=1.2, gaze_activity=1.0)
# shrinkage: the prior counts as this much observation
_RATE_SECONDS = 12.0
_DURATION_BLINKS = 3.0
_CLUSTERING_INTERVALS = 6.0
_PAUSE_BLINKS = 2.0
_GAZE_SECONDS = 10.0
# in shorter clips the long intervals would be missing
_INTERVAL_CLIP_SECONDS = 8.0
# the lids' jitter, as a share of their opening, from which on a clip's blinks weigh less, and nothing
_NOISE_SHARES = (0.03, 0.08)
_ACTIVITY_LIMITS = (0.2, 2.0)
_AROUND_BLINK_SECONDS = 0.16


@dataclass(frozen=True, slots=True, eq=False)
class EyesEvidence:
    """What one clip shows. weight: 0..1, from the tracking noise of its lids; multiplies all of the clip's counts.

    seconds: with the face in sight. blinks: seen; one lies where it begins. intervals: (n,) seconds between them,
    of clips long enough. blinks_with_sound, pause_blinks, seconds_with_sound, pause_seconds: of the part with sound.
    gaze_spread_radians: root mean square of the gaze after head compensation is regressed out.
    """

    seconds: float
    weight: float
    blinks: tuple[Blink, ...]
    intervals: NDArray[np.float64]
    blinks_with_sound: int
    pause_blinks: int
    seconds_with_sound: float
    pause_seconds: float
    gaze_spread_radians: float


@dataclass(frozen=True, slots=True, eq=False)
class TrackedEyes:
    """opening: (T,) cm between the lids, pose-free. gaze: (T, 2) pitch and yaw, head: (T, 3), radians.

    weights: (T,) reliability 0..1. speech in step with the frames, or None.
    """

    opening: NDArray[np.float64]
    gaze: NDArray[np.float64]
    head: NDArray[np.float64]
    weights: NDArray[np.float64]
    speech: Speech | None
    fps: float


def measure_eyes(reference: TrackedReference) -> EyesPart:
    """Statistics of the speaker of one clip, shrunk towards :data:`NATURAL_EYES`."""
    return eyes_part([observe(tracked_eyes(reference))])


def tracked_eyes(reference: TrackedReference) -> TrackedEyes:
    """The lids and eyes of a tracked reference, both eyes as one."""
    motion = reference.motion
    return TrackedEyes(
        opening=np.asarray(lid_opening(reference.landmarks), np.float64),
        gaze=motion.gaze.mean(axis=1).astype(np.float64),
        head=motion.head.astype(np.float64),
        weights=reference.weights.astype(np.float64),
        speech=reference.speech,
        fps=motion.fps,
    )


def observe(eyes: TrackedEyes) -> EyesEvidence:
    """Count and time the blinks of one clip."""
    seen = eyes.weights > 0
    blinks = find_blinks(eyes.opening, seen, eyes.fps)
    seconds = float(seen.sum() / eyes.fps)
    pause = np.zeros(len(seen), np.bool_) if eyes.speech is None else speech_pauses(eyes.speech, eyes.fps, len(seen))
    with_sound = seen & (eyes.speech is not None)
    starts = np.array([blink.start_seconds for blink in blinks])
    frames = (starts * eyes.fps).astype(int)
    return EyesEvidence(
        seconds=seconds,
        weight=_tracking_weight(lid_noise(eyes.opening, seen)),
        blinks=blinks,
        intervals=np.diff(starts) if seconds >= _INTERVAL_CLIP_SECONDS else np.zeros(0),
        blinks_with_sound=int(with_sound[frames].sum()),
        pause_blinks=int((with_sound & pause)[frames].sum()),
        seconds_with_sound=float(with_sound.sum() / eyes.fps),
        pause_seconds=float((with_sound & pause).sum() / eyes.fps),
        gaze_spread_radians=_gaze_spread(eyes, blinks),
    )


def eyes_part(clips: Sequence[EyesEvidence], default: EyesPart = NATURAL_EYES) -> EyesPart:
    """Statistics over all clips of one speaker, each a weighted mean of the observations and the default."""

    def total(name: str) -> float:
        return float(sum(clip.weight * getattr(clip, name) for clip in clips))

    seconds = total("seconds")
    count = sum(clip.weight * len(clip.blinks) for clip in clips)
    durations = sum(clip.weight * sum(blink.seconds for blink in clip.blinks) for clip in clips)
    # what would lie in pauses if blinks did not care for them
    expected = sum(
        clip.weight * clip.blinks_with_sound * clip.pause_seconds / clip.seconds_with_sound
        for clip in clips
        if clip.seconds_with_sound > 0
    )
    return EyesPart(
        blinks_per_minute=60 * (count + default.blinks_per_minute / 60 * _RATE_SECONDS) / (seconds + _RATE_SECONDS),
        blink_seconds=(durations + _DURATION_BLINKS * default.blink_seconds) / (count + _DURATION_BLINKS),
        clustering=_clustering(clips, default.clustering),
        pause_share=(total("pause_blinks") + _PAUSE_BLINKS * default.pause_share) / (expected + _PAUSE_BLINKS),
        gaze_activity=_activity(clips, default.gaze_activity),
    )


def burstiness(intervals: FloatArray) -> float:
    """Of (n,) intervals with spread s and mean m: s / (s + m). 0 is even, 0.5 pure chance, towards 1 all in bursts.

    Goh and Barabási's burstiness (Europhysics Letters 81, 2008), moved from -1..1 to 0..1.
    """
    mean, spread = float(np.mean(intervals)), float(np.std(intervals))
    return spread / (spread + mean)


def _clustering(clips: Sequence[EyesEvidence], default: float) -> float:
    weights = [clip.weight * len(clip.intervals) if len(clip.intervals) >= 2 else 0.0 for clip in clips]
    away = sum(w * (burstiness(c.intervals) - default) for w, c in zip(weights, clips, strict=True) if w > 0)
    return default + away / (sum(weights) + _CLUSTERING_INTERVALS)


def _activity(clips: Sequence[EyesEvidence], default: float) -> float:
    weights = [clip.weight * clip.seconds for clip in clips]
    seen = sum(w * clip.gaze_spread_radians / NATURAL_SPREAD_RADIANS for w, clip in zip(weights, clips, strict=True))
    mean = (seen + _GAZE_SECONDS * default) / (sum(weights) + _GAZE_SECONDS)
    return float(np.clip(mean, *_ACTIVITY_LIMITS))


def _tracking_weight(noise: float) -> float:
    low, high = _NOISE_SHARES
    return float(np.clip((high - noise) / (high - low), 0.0, 1.0))


def _gaze_spread(eyes: TrackedEyes, blinks: Sequence[Blink]) -> float:
    """RMS in radians of the gaze after its linear compensation of head rotation is regressed out."""
    steady = eyes.weights > 0
    for blink in blinks:
        # under the lid the iris is guessed
        first = int((blink.start_seconds - _AROUND_BLINK_SECONDS) * eyes.fps)
        last = int(np.ceil((blink.end_seconds + _AROUND_BLINK_SECONDS) * eyes.fps))
        steady[max(first, 0) : last + 1] = False
    if steady.sum() < eyes.fps:
        return 0.0
    gaze, head = eyes.gaze[steady], eyes.head[steady, :2]
    gaze, head = gaze - gaze.mean(axis=0), head - head.mean(axis=0)
    share = (gaze * head).sum(axis=0) / np.maximum((head**2).sum(axis=0), 1e-9)
    return float(np.sqrt(((gaze - share * head) ** 2).mean()))
