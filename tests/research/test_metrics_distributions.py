# SPDX-License-Identifier: GPL-3.0-or-later
"""Diversity, pose spread, Fréchet distance and style distance against numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.face.basis import open_basis
from research.evaluation.distributions import (
    diversity,
    frechet_distance,
    pose_spread,
    windows,
    with_differences,
)
from research.evaluation.style.distance import STYLE_SIZE, StyleScale, identify, style_distance, style_statistics


def test_diversity_is_the_mean_distance_of_all_pairs() -> None:
    vectors = np.random.default_rng(1).normal(size=(7, 53))
    pairs = [np.linalg.norm(a - b) for a, b in itertools.permutations(vectors, 2)]
    assert diversity(vectors) == pytest.approx(np.mean(pairs))


def test_diversity_counts_deviations_not_units() -> None:
    vectors = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert diversity(vectors, np.zeros(2), np.array([10.0, 1.0])) == pytest.approx(1.0)


def test_still_head_has_neither_diversity_nor_spread() -> None:
    assert diversity(np.ones((10, 3))) == 0.0
    assert pose_spread(np.ones((10, 3))) == 0.0


def test_pose_spread_is_the_mean_deviation_of_the_axes() -> None:
    head = np.array([[1.0, 2.0, 0.0], [-1.0, -2.0, 0.0]])
    assert pose_spread(head) == pytest.approx(1.0)


def test_frechet_distance_of_equal_sets_is_nothing() -> None:
    vectors = np.random.default_rng(2).normal(size=(100, 5))
    assert frechet_distance(vectors, vectors) == pytest.approx(0.0, abs=1e-8)


def test_frechet_distance_adds_shift_and_spread() -> None:
    # mean 0 and deviation 1 against mean 3 and deviation 2 (sample statistics exact by construction): 9 + (2 - 1)²
    unit = np.array([[-1.0], [1.0]]) / np.sqrt(2)
    assert frechet_distance(unit, 2 * unit + 3) == pytest.approx(10.0)


def test_frechet_distance_ignores_turning_both_sides() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(80, 3)) * [1, 2, 3], rng.normal(size=(80, 3)) + 1
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b))


def test_windows_and_differences_have_the_stated_shapes() -> None:
    sequences = [np.zeros((30, 3)), np.zeros((25, 3)), np.zeros((10, 3))]
    assert windows(sequences, 25, 5).shape == (3, 75)
    assert with_differences(sequences).shape == (29 + 24 + 9, 6)


def _talker(opening: float, brows: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    landmarks = np.repeat(open_basis().neutral[None].astype(float), 120, axis=0)
    time = np.arange(120) / 25
    mouth = opening * np.abs(np.sin(8 * time + rng.uniform(0, 6)))
    landmarks[:, [14, 87, 317], 1] -= mouth[:, None]
    landmarks[:, [70, 63, 105, 300, 293, 334], 1] += brows * np.sin(3 * time + rng.uniform(0, 6))[:, None]
    return landmarks


def test_style_statistics_do_not_depend_on_what_is_said() -> None:
    own, again, other = _talker(0.8, 0.1, 0), _talker(0.8, 0.1, 1), _talker(1.6, 0.6, 2)
    statistics = [style_statistics(item) for item in (own, again, other)]
    scale = StyleScale.of(statistics)
    assert statistics[0].shape == (STYLE_SIZE,)
    assert style_distance(statistics[0], statistics[1], scale) < 0.3 * style_distance(
        statistics[0], statistics[2], scale
    )


def test_people_are_told_apart_by_their_style() -> None:
    manners = {"calm": (0.5, 0.05), "loud": (1.5, 0.05), "browy": (0.8, 0.6)}
    gallery = {name: style_statistics(_talker(*manner, seed=0)) for name, manner in manners.items()}
    clips = [(name, style_statistics(_talker(*manner, seed=s))) for name, manner in manners.items() for s in (1, 2)]
    result = identify(clips, gallery, StyleScale.of(list(gallery.values())))
    assert (result.accuracy, result.own_closer) == (1.0, 1.0)
    assert result.chance == pytest.approx(1 / 3)
    swapped = identify([("calm", clips[2][1])], gallery, StyleScale.of(list(gallery.values())))
    assert swapped.accuracy == 0.0
