# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike two ways of talking are: statistics per region of the face, their distance, and who is recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.rotations import FloatArray
from research.evaluation.regions import REGIONS, region_signals

STATISTICS = ("mean", "spread", "speed", "low", "high")
STYLE_SIZE = len(REGIONS) * len(STATISTICS)


@dataclass(frozen=True, slots=True, eq=False)
class StyleScale:
    """Mean and deviation (30,) of style statistics over a population: one unit of distance is one deviation."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, statistics: Sequence[FloatArray]) -> StyleScale:
        """From the statistics of many clips."""
        table = np.stack([np.asarray(item, np.float64) for item in statistics])
        return cls(table.mean(axis=0), np.maximum(table.std(axis=0), 1e-6))


@dataclass(frozen=True, slots=True)
class Identification:
    """How often a clip's manner tells whose it is.

    accuracy: share of the clips whose nearest person is their own; chance: 1 / people; own_closer: share of
    (clip, other person) pairs in which the own person is nearer.
    """

    accuracy: float
    chance: float
    own_closer: float


def style_statistics(landmarks: FloatArray) -> NDArray[np.float64]:
    """(30,): per region of (T, 478, 3) landmarks mean, spread, mean speed, 5th and 95th percentile (cm, cm a frame).

    Source: ours, after the per-region dynamics by which DiffPoseTalk and FaceGAN compare styles; no learned encoder,
    so that no model scores itself.
    """
    signals = region_signals(landmarks)
    rest = np.median(signals, axis=0)
    low, high = np.percentile(signals, [5, 95], axis=0)
    speed = np.abs(np.diff(signals, axis=0)).mean(axis=0) if len(signals) > 1 else np.zeros(len(REGIONS))
    return np.stack([signals.mean(axis=0), signals.std(axis=0), speed, low - rest, high - rest], axis=1).ravel()


def style_distance(first: FloatArray, second: FloatArray, scale: StyleScale) -> float:
    """Root mean square difference of two style statistics, in deviations of the population."""
    difference = (np.asarray(first) - np.asarray(second)) / scale.deviation
    return float(np.sqrt((difference**2).mean()))


def identify(
    clips: Sequence[tuple[str, FloatArray]], gallery: Mapping[str, FloatArray], scale: StyleScale
) -> Identification:
    """Nearest person of every clip: ``clips`` are (true person, statistics), ``gallery`` person -> statistics.

    Every person counts the same however many clips they have: else naming the commonest person always would pay.
    """
    people = sorted({person for person, _ in clips})
    hits: dict[str, list[bool]] = {person: [] for person in people}
    closer: dict[str, list[bool]] = {person: [] for person in people}
    for person, statistics in clips:
        distances = {name: style_distance(statistics, own, scale) for name, own in gallery.items()}
        hits[person].append(min(distances, key=lambda name: (distances[name], name)) == person)
        closer[person] += [distances[person] < value for name, value in distances.items() if name != person]
    return Identification(_balanced(hits), 1 / max(len(gallery), 1), _balanced(closer))


def _balanced(answers: Mapping[str, Sequence[bool]]) -> float:
    return float(np.mean([np.mean(own) for own in answers.values()])) if answers else 0.0
