# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics rank known distortions: on made motion everywhere, on tracked people where ../shared/data is."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from core.face.basis import open_basis
from core.face.landmarks import BROW_LEFT, BROW_RIGHT, LIPS, mouth_opening
from research.corpus.clips import CACHE_ROOT, heldout_clips
from research.evaluation.closures import closure_score
from research.evaluation.distort import blurred, delayed, scaled, shaken
from research.evaluation.distributions import frechet_distance, with_differences
from research.evaluation.dynamics import jitter_mm, upper_face_deviation
from research.evaluation.metrics import best_lag, lip_error_mm
from research.evaluation.regions import amplitude_ratios
from research.evaluation.style.distance import StyleScale, style_distance, style_statistics
from research.paths import DATA_ROOT


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Displacements (T, 478, 3) cm: a clip, another sentence of the same person, clips of another person."""

    clip: np.ndarray
    same_person: tuple[np.ndarray, ...]
    wrong_person: tuple[np.ndarray, ...]


def _made(seed: int, size: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    basis = open_basis()
    frames = 100
    syllables = blurred(rng.uniform(0, 1, frames).repeat(1), 5)
    opening = np.maximum(syllables - 0.35, 0.0) * size
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = opening
    displacement = basis.jaw_displacement(jaw).astype(float)
    brows = np.concatenate([BROW_LEFT, BROW_RIGHT])
    displacement[:, brows, 1] += (0.1 * size * blurred(rng.normal(size=frames), 7))[:, None]
    displacement[:, LIPS, 0] *= 1 + 0.2 * size
    return displacement


@functools.lru_cache(maxsize=2)
def _case(kind: str) -> Case:
    if kind == "made":
        own, other = tuple(_made(s, 0.6) for s in (0, 1, 2)), tuple(_made(s, 1.2) for s in (5, 6))
        return Case(own[0], own[1:], other)
    if not (DATA_ROOT / "grid").is_dir() or not CACHE_ROOT.is_dir():
        pytest.skip("no tracked clips here (../shared/data and build/tracks)")
    from research.evaluation.accuracy import truth

    by_person = {name: [c for c in heldout_clips() if c.person == name][:6] for name in ("s5", "s34")}
    own = tuple(truth(c, open_basis()).displacement for c in by_person["s5"])
    return Case(own[0], own[1:], tuple(truth(c, open_basis()).displacement for c in by_person["s34"]))


@pytest.fixture(params=["made", "tracked"])
def case(request: pytest.FixtureRequest) -> Case:
    return _case(request.param)


def _gap(displacement: np.ndarray) -> np.ndarray:
    return mouth_opening(open_basis().neutral + displacement)


def test_later_is_worse(case: Case) -> None:
    errors = [lip_error_mm(case.clip, delayed(case.clip, n)) for n in (0, 1, 2, 4)]
    assert errors == sorted(errors)
    assert errors[0] == 0 < errors[1]
    unshifted = [best_lag(_gap(case.clip), _gap(delayed(case.clip, n)), 0).correlation for n in (0, 1, 2, 4)]
    assert unshifted == sorted(unshifted, reverse=True)
    closed = [closure_score(_gap(case.clip), _gap(delayed(case.clip, n))).f1 for n in (0, 4)]
    assert closed[0] == 1.0 >= closed[1]


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_lag_is_the_delay(case: Case, frames: int) -> None:
    assert best_lag(_gap(case.clip), _gap(delayed(case.clip, frames)), 6).lag_frames == frames


def test_lag_of_part_of_a_frame_is_found(case: Case) -> None:
    gap = _gap(case.clip)
    at = np.arange(len(gap)) - 0.5
    late = CubicSpline(np.arange(len(gap)), gap)(np.clip(at, 0, None))
    lag = best_lag(gap, late)
    assert lag.lag_frames == 0.5
    assert lag.correlation > 0.98


def test_half_amplitude_shows_as_half_and_not_as_lag(case: Case) -> None:
    half = scaled(case.clip, 0.5)
    neutral = open_basis().neutral
    assert amplitude_ratios(neutral + case.clip, neutral + half).opening == pytest.approx(0.5, abs=0.12)
    assert lip_error_mm(case.clip, half) > 0.2 * lip_error_mm(case.clip, np.zeros_like(half))
    assert upper_face_deviation([case.clip], [half]).signed > 0
    lag = best_lag(_gap(case.clip), _gap(half))
    assert lag.lag_frames == 0
    assert lag.correlation > 0.9


def test_smoothing_costs_amplitude_and_error_and_takes_jitter(case: Case) -> None:
    neutral = open_basis().neutral
    amounts = [amplitude_ratios(neutral + case.clip, neutral + blurred(case.clip, n)).opening for n in (1, 5, 11)]
    errors = [lip_error_mm(case.clip, blurred(case.clip, n)) for n in (1, 5, 11)]
    assert amounts == sorted(amounts, reverse=True)
    assert errors == sorted(errors)
    assert jitter_mm(blurred(case.clip, 5)) < jitter_mm(case.clip) < jitter_mm(shaken(case.clip, 0.02))


def test_smoothing_loses_closures(case: Case) -> None:
    clips = (case.clip, *case.same_person)
    sharp = sum((closure_score(_gap(c), _gap(c)) for c in clips[1:]), closure_score(_gap(clips[0]), _gap(clips[0])))
    first, *rest = (closure_score(_gap(c), _gap(blurred(c, 15))) for c in clips)
    smooth = sum(rest, first)
    assert smooth.recall < sharp.recall == 1.0


def test_wrong_audio_is_worse_than_any_delay(case: Case) -> None:
    other = case.same_person[0]
    assert lip_error_mm(case.clip, other) > lip_error_mm(case.clip, delayed(case.clip, 1))
    right = best_lag(_gap(case.clip), _gap(delayed(case.clip, 1))).correlation
    assert best_lag(_gap(case.clip), _gap(other)).correlation < right


def test_wrong_person_is_further_in_style_and_distribution(case: Case) -> None:
    neutral = open_basis().neutral
    own = [style_statistics(neutral + item) for item in case.same_person]
    other = [style_statistics(neutral + item) for item in case.wrong_person]
    scale = StyleScale.of([*own, *other])
    clip = style_statistics(neutral + case.clip)
    to_own, to_other = (style_distance(clip, np.mean(side, axis=0), scale) for side in (own, other))
    assert to_own < to_other

    def vectors(items: tuple[np.ndarray, ...]) -> np.ndarray:
        return with_differences([item[:, LIPS[::8]].reshape(len(item), -1) for item in items])

    mine = vectors((case.clip,))
    assert frechet_distance(mine, vectors(case.same_person)) < frechet_distance(mine, vectors(case.wrong_person))
