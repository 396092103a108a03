# SPDX-License-Identifier: GPL-3.0-or-later
"""Every system on the same clips by the same metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.face.basis import FaceBasis
from core.face.landmarks import LIPS, mouth_opening
from core.face.motion import Motion
from core.face.rotations import FloatArray
from core.tracking.fit import fit
from research.corpus.clips import Clip
from research.evaluation.accuracy import ClipScore, Generate, TruthClip, score
from research.evaluation.baselines import System
from research.evaluation.closures import ClosureScore, closure_score
from research.evaluation.distributions import diversity, frechet_distance, with_differences
from research.evaluation.dynamics import UpperFaceDynamics, jitter_mm, upper_face_deviation
from research.evaluation.regions import REGIONS, RegionRatios, amplitude_ratios


@dataclass(frozen=True, slots=True, eq=False)
class TrackedTruth:
    """A clip's truth with its 53 motion values (T, 53), fitted as the training's are."""

    clip: TruthClip
    vectors: NDArray[np.float64]

    @classmethod
    def of(cls, clip: TruthClip, basis: FaceBasis) -> TrackedTruth:
        """Fit the basis to the tracked displacement."""
        fitted = fit(clip.displacement, basis)
        return cls(clip, np.concatenate([fitted.expression, fitted.jaw], axis=1).astype(np.float64))


@dataclass(frozen=True, slots=True)
class GeneratorSystem:
    """Our network as a :class:`System`."""

    name: str
    generate: Generate

    def motion(self, clip: Clip, speech: Speech) -> Motion | None:
        """From the sound alone."""
        return self.generate(speech)


@dataclass(frozen=True, slots=True, eq=False)
class ClipResult:
    """One system on one clip. Its motion is kept for what is measured over all clips, and for plots."""

    score: ClipScore
    person: str
    closures: ClosureScore
    ratios: RegionRatios
    dynamics: UpperFaceDynamics
    jitter_mm: float
    opening: NDArray[np.float64]
    true_opening: NDArray[np.float64]
    vectors: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SystemRun:
    """results by clip key; skipped: clips the system could not handle."""

    name: str
    results: dict[str, ClipResult]
    skipped: int


@dataclass(frozen=True, slots=True)
class SystemSummary:
    """Medians over clips of scores, sums over clips of closures, distances over all frames together.

    diversity and expression_frechet are in deviations of the true motion; true_diversity and true_jitter_mm beside.
    """

    name: str
    clips: int
    correlation: float
    lag_frames: float
    lip_error_mm: float
    constant_error_mm: float
    lip_error_squared: float
    precision: float
    recall: float
    ratios: RegionRatios
    upper_face_signed: float
    upper_face_absolute: float
    jitter_mm: float
    true_jitter_mm: float
    diversity: float
    true_diversity: float
    expression_frechet: float


def mouth_gap(displacement: FloatArray, basis: FaceBasis) -> NDArray[np.float64]:
    """(T,) opening in centimetres of a displacement shown on the basis' own face."""
    return np.asarray(mouth_opening(basis.neutral + displacement), np.float64)


def run_system(system: System, truths: Sequence[TrackedTruth], basis: FaceBasis) -> SystemRun:
    """All clips; those that the system gives up on are counted."""
    results = {}
    for truth in truths:
        motion = system.motion(truth.clip.clip, truth.clip.speech)
        if motion is not None:
            results[truth.clip.clip.key] = _result(truth, motion, basis)
    return SystemRun(system.name, results, len(truths) - len(results))


def _result(truth: TrackedTruth, motion: Motion, basis: FaceBasis) -> ClipResult:
    wanted = truth.clip.displacement
    given = basis.displacement(motion).astype(np.float64)
    frames = min(len(wanted), len(given))
    wanted, given = wanted[:frames], given[:frames]
    wanted_gap, given_gap = mouth_gap(wanted, basis), mouth_gap(given, basis)
    return ClipResult(
        score=score(truth.clip, given, basis),
        person=truth.clip.clip.person,
        closures=closure_score(wanted_gap, given_gap),
        ratios=amplitude_ratios(basis.neutral + wanted, basis.neutral + given),
        dynamics=upper_face_deviation([wanted], [given]),
        jitter_mm=jitter_mm(given[:, LIPS]),
        opening=given_gap,
        true_opening=wanted_gap,
        vectors=motion.face_vector()[:frames].astype(np.float64),
    )


def common_clips(runs: Sequence[SystemRun]) -> list[str]:
    """Clips that every system handled: only these compare fairly."""
    shared = set.intersection(*(set(run.results) for run in runs))
    return sorted(shared)


def summarise_run(run: SystemRun, truths: Sequence[TrackedTruth], keys: Sequence[str]) -> SystemSummary:
    """One row of the tables."""
    by_key = {truth.clip.clip.key: truth for truth in truths}
    results = [run.results[key] for key in keys]
    true_vectors = [by_key[key].vectors for key in keys]
    mean, deviation = _statistics(true_vectors)

    def scored(parts: Sequence[FloatArray]) -> list[NDArray[np.float64]]:
        return [(np.asarray(part) - mean) / deviation for part in parts]

    generated = [result.vectors for result in results]
    closures = sum((result.closures for result in results), ClosureScore(0, 0, 0))
    return SystemSummary(
        name=run.name,
        clips=len(results),
        correlation=_median([r.score.correlation for r in results]),
        lag_frames=float(np.mean([r.score.lag_frames for r in results])),
        lip_error_mm=_median([r.score.lip_error_mm for r in results]),
        constant_error_mm=_median([r.score.constant_error_mm for r in results]),
        lip_error_squared=_median([r.score.lip_error_squared for r in results]),
        precision=closures.precision,
        recall=closures.recall,
        ratios=RegionRatios(*(_median([getattr(r.ratios, name) for r in results]) for name in REGIONS)),
        upper_face_signed=float(np.mean([r.dynamics.signed for r in results])),
        upper_face_absolute=float(np.mean([r.dynamics.absolute for r in results])),
        jitter_mm=_median([r.jitter_mm for r in results]),
        true_jitter_mm=_median([jitter_mm(by_key[key].clip.displacement[:, LIPS]) for key in keys]),
        diversity=_median([diversity(part, mean, deviation) for part in generated]),
        true_diversity=_median([diversity(part, mean, deviation) for part in true_vectors]),
        expression_frechet=frechet_distance(
            with_differences(scored(true_vectors)), with_differences(scored(generated))
        ),
    )


def _statistics(vectors: Sequence[FloatArray]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    joined = np.concatenate([np.asarray(v, np.float64) for v in vectors])
    # two of the jaw's three values never move: they must not be blown up
    return joined.mean(axis=0), np.maximum(joined.std(axis=0), 1e-3)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")
