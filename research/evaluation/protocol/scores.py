# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of one person, means over people with an interval from resampling people, and whether two recipes differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.face.basis import FaceBasis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS
from core.face.rotations import FloatArray
from research.evaluation.accuracy import TruthClip, score
from research.evaluation.closures import closure_score
from research.evaluation.compare import mouth_gap
from research.evaluation.metrics import correlation

RESAMPLES = 2000
METRICS = ("best", "lag0", "error_ratio", "amplitude", "closure_recall", "closure_precision")


@dataclass(frozen=True, slots=True)
class ProtocolClip:
    """One clip of a person who was left out. lag0, best: correlation of the opening in step, and within two frames."""

    person: str
    key: str
    seconds: float
    lag0: float
    best: float
    lip_error_mm: float
    constant_mm: float
    amplitude: float
    true_closures: int
    made_closures: int
    matched_closures: int


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """One person, clips weighted by their length. error_ratio: lip error over the constant face's."""

    best: float
    lag0: float
    error_ratio: float
    amplitude: float
    closure_recall: float
    closure_precision: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Mean over people; low, high: 90 % of resamples of people."""

    mean: float
    low: float
    high: float


def score_clip(expected: TruthClip, generated: FloatArray, basis: FaceBasis) -> ProtocolClip:
    """generated: (T, 478, 3) cm of displacement, spoken from the clip's sound."""
    frames = min(len(expected.displacement), len(generated))
    wanted, given = expected.displacement[:frames], generated[:frames]
    found = score(expected, generated, basis)
    shut = closure_score(mouth_gap(wanted, basis), mouth_gap(given, basis))
    return ProtocolClip(
        person=expected.clip.individual,
        key=expected.clip.key,
        seconds=frames / INTERNAL_FPS,
        lag0=correlation(mouth_opening(basis.neutral + wanted), mouth_opening(basis.neutral + given)),
        best=found.correlation,
        lip_error_mm=found.lip_error_mm,
        constant_mm=found.constant_error_mm,
        amplitude=found.amplitude_ratio,
        true_closures=shut.true_closures,
        made_closures=shut.generated_closures,
        matched_closures=shut.matched,
    )


def person_figures(clips: Sequence[ProtocolClip]) -> PersonFigures:
    """Of all clips of one person."""
    seconds = np.array([clip.seconds for clip in clips])

    def mean(name: str) -> float:
        return float(np.average([getattr(clip, name) for clip in clips], weights=seconds))

    true, made, matched = (sum(getattr(c, f"{k}_closures") for c in clips) for k in ("true", "made", "matched"))
    return PersonFigures(
        best=mean("best"),
        lag0=mean("lag0"),
        error_ratio=mean("lip_error_mm") / mean("constant_mm"),
        amplitude=mean("amplitude"),
        closure_recall=matched / true if true else float("nan"),
        closure_precision=matched / made if made else float("nan"),
    )


def by_person(clips: Sequence[ProtocolClip]) -> dict[str, PersonFigures]:
    """Figures of everybody in ``clips``."""
    people: dict[str, list[ProtocolClip]] = {}
    for clip in clips:
        people.setdefault(clip.person, []).append(clip)
    return {person: person_figures(own) for person, own in people.items()}


def over_people(people: Mapping[str, PersonFigures], metric: str) -> Figure:
    """Mean with the interval that other people of the kind would give."""
    values = np.array([getattr(figures, metric) for figures in people.values()])
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.nanpercentile(values[drawn].mean(axis=1), (5, 95))
    return Figure(float(np.nanmean(values)), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Difference:
    """Second recipe less the first, mean over seeds; ``noise``: twice what seeds alone make of such a difference."""

    mean: float
    noise: float

    @property
    def is_real(self) -> bool:
        """More than seeds make."""
        return abs(self.mean) > self.noise


def difference(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Of one metric's means over people, a value for each seed. Raises ValueError for fewer than two seeds."""
    if min(len(first), len(second)) < 2:
        raise ValueError("what seeds make can only be told from two or more")
    spread = np.sqrt((np.var(first, ddof=1) + np.var(second, ddof=1)) / 2)
    noise = 2 * spread * np.sqrt(1 / len(first) + 1 / len(second))
    return Difference(float(np.mean(second) - np.mean(first)), float(noise))
