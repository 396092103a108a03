# SPDX-License-Identifier: GPL-3.0-or-later
"""Lip accuracy per group of people, against the tracked truth and beside the constant face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS, Motion
from core.tracking.align import align, uniform_landmarks
from core.tracking.smooth import neutral_face, smooth_landmarks
from research.corpus.clips import Clip, free_scoring_clips, heldout_clips, known_talker_clips, load_tracked
from research.evaluation.metrics import best_lag, constant_face, lip_error_mm, lip_error_squared

Generate = Callable[[Speech], Motion]
LONG_GRID_PEOPLE = ("s5", "s33", "s34")


@dataclass(frozen=True, slots=True, eq=False)
class TruthClip:
    """The tracked truth of a clip: displacement (T, 478, 3) cm from its own resting face, and its speech."""

    clip: Clip
    speech: Speech
    displacement: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClipScore:
    """One clip's scores; errors in millimetres at the basis' face scale (8.9 cm between the outer eye corners)."""

    key: str
    correlation: float
    lag_frames: float
    lip_error_mm: float
    constant_error_mm: float
    lip_error_squared: float
    amplitude_ratio: float


@dataclass(frozen=True, slots=True)
class GroupScore:
    """Median over clips, and the people they come from."""

    name: str
    people: int
    clips: int
    correlation: float
    lag_frames: float
    lip_error_mm: float
    constant_error_mm: float
    amplitude_ratio: float


def evaluation_groups(data: Path) -> dict[str, list[Clip]]:
    """Named groups of clips; all but the first are of people no model has seen."""
    heldout = heldout_clips(data)
    groups = {"s1, new sentences": known_talker_clips(data)}
    for person in LONG_GRID_PEOPLE:
        groups[f"GRID {person} (unseen)"] = [clip for clip in heldout if clip.person == person]
    groups["GRID, all unseen people"] = heldout
    for clip in free_scoring_clips(data):
        groups[f"{clip.person}, free speech (unseen)"] = [clip]
    return groups


def truth(clip: Clip, basis: FaceBasis) -> TruthClip:
    """Track (or read) a clip and express it as displacement, put in step with its sound as registered."""
    tracked = load_tracked(clip)
    uniform = uniform_landmarks(tracked.track, INTERNAL_FPS, clip.picture_delay_seconds)
    landmarks = smooth_landmarks(align(uniform.landmarks, basis.neutral).landmarks)
    return TruthClip(clip, tracked.speech, landmarks - neutral_face(landmarks))


def score(expected: TruthClip, generated: NDArray[np.floating], basis: FaceBasis) -> ClipScore:
    """Compare generated displacement (T, 478, 3) with the truth. Opening counts on the basis' own face."""
    frames = min(len(expected.displacement), len(generated))
    wanted, given = expected.displacement[:frames], generated[:frames]
    wanted_opening = mouth_opening(basis.neutral + wanted)
    given_opening = mouth_opening(basis.neutral + given)
    lag = best_lag(wanted_opening, given_opening)
    return ClipScore(
        key=expected.clip.key,
        correlation=lag.correlation,
        lag_frames=lag.lag_frames,
        lip_error_mm=lip_error_mm(wanted, given),
        constant_error_mm=lip_error_mm(wanted, constant_face(wanted)),
        lip_error_squared=lip_error_squared(wanted, given),
        amplitude_ratio=float(given_opening.std() / max(wanted_opening.std(), 1e-9)),
    )


def score_group(name: str, clips: list[Clip], generate: Generate) -> tuple[GroupScore, list[ClipScore]]:
    """Generate and score every clip of a group."""
    basis = open_basis()
    scores = []
    for clip in clips:
        expected = truth(clip, basis)
        scores.append(score(expected, basis.displacement(generate(expected.speech)), basis))
    return summarise(name, clips, scores), scores


def summarise(name: str, clips: list[Clip], scores: list[ClipScore]) -> GroupScore:
    """Medians over the clips."""

    def median(field: str) -> float:
        return float(np.median([getattr(item, field) for item in scores]))

    return GroupScore(
        name=name,
        people=len({clip.person for clip in clips}),
        clips=len(clips),
        correlation=median("correlation"),
        lag_frames=float(np.mean([item.lag_frames for item in scores])),
        lip_error_mm=median("lip_error_mm"),
        constant_error_mm=median("constant_error_mm"),
        amplitude_ratio=median("amplitude_ratio"),
    )
