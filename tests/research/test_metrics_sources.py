# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of mistake is forgiven in its own column and in no earlier one."""

from __future__ import annotations

import numpy as np
import pytest

from research.evaluation.sources import forgiven


def _lips(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(140, 5, 3))
    kernel = np.ones(7) / 7
    return np.apply_along_axis(lambda x: np.convolve(x, kernel, "valid"), 0, noise)


def test_right_lips_have_nothing_to_forgive() -> None:
    assert forgiven(_lips(), _lips()).max() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("mistake", "column"),
    [
        (lambda lips: np.roll(lips, 2, axis=0), 1),
        (lambda lips: lips + np.array([0.0, 0.3, 0.0]), 2),
        (lambda lips: lips.mean(axis=0) + 0.5 * (lips - lips.mean(axis=0)), 3),
        (lambda lips: lips + np.random.default_rng(5).normal(size=lips.shape) * np.array([0, 0, 0.1]), 4),
    ],
    ids=["shift", "rest", "amplitude", "depth"],
)
def test_mistake_is_forgiven_in_its_column(mistake: object, column: int) -> None:
    lips = _lips()
    errors = forgiven(lips, mistake(lips))  # type: ignore[operator]
    assert errors[column - 1] > 0.5
    assert errors[column] < 0.15 * errors[0]
