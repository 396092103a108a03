# SPDX-License-Identifier: GPL-3.0-or-later
"""Closures: found, matched once, judged by the person's own opening."""

from __future__ import annotations

import numpy as np
import pytest

from research.evaluation.closures import Closure, ClosureScore, closed_below, closure_score, closures


def _mouth(shut: list[slice], frames: int = 40) -> np.ndarray:
    gap = np.full(frames, 1.0)
    for part in shut:
        gap[part] = 0.0
    return gap


def test_threshold_is_a_tenth_of_the_opening_range() -> None:
    assert closed_below(np.array([0.2, 0.7, 1.2])) == pytest.approx(0.3)


def test_runs_are_found_at_both_ends() -> None:
    gap = _mouth([slice(0, 2), slice(10, 11), slice(38, 40)])
    assert closures(gap, 0.5) == [Closure(0, 1), Closure(10, 10), Closure(38, 39)]


def test_same_mouth_scores_one() -> None:
    gap = _mouth([slice(5, 7), slice(20, 22)])
    score = closure_score(gap, gap)
    assert (score.precision, score.recall, score.f1) == (1.0, 1.0, 1.0)


def test_mouth_that_never_shuts_has_no_recall() -> None:
    score = closure_score(_mouth([slice(5, 7)]), np.full(40, 0.3))
    assert (score.generated_closures, score.recall, score.precision) == (0, 0.0, 0.0)


def test_mouth_that_never_opens_finds_one_closure_only() -> None:
    truth = _mouth([slice(5, 7), slice(15, 17), slice(25, 27), slice(35, 37)])
    assert closure_score(truth, np.zeros(40)).recall == 0.25


def test_invented_closures_cost_precision() -> None:
    score = closure_score(_mouth([slice(5, 7)]), _mouth([slice(5, 7), slice(20, 22)]))
    assert (score.precision, score.recall) == (0.5, 1.0)


@pytest.mark.parametrize(("shift", "matched"), [(0, 1), (1, 1), (2, 1), (3, 0), (-2, 1), (-3, 0)])
def test_match_forgives_two_frames_and_no_more(shift: int, matched: int) -> None:
    truth, late = _mouth([slice(20, 21)]), _mouth([slice(20 + shift, 21 + shift)])
    assert closure_score(truth, late).matched == matched


def test_scores_of_clips_add_up() -> None:
    total = ClosureScore(3, 2, 1) + ClosureScore(1, 2, 1)
    assert (total.recall, total.precision) == (0.5, 0.5)
