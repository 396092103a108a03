# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows cover every frame, and cross-fading slopes sum to one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.models.windows import raised_cosine, window_starts


@pytest.mark.parametrize("count", [1, 9, 10, 11, 17, 18, 100])
def test_every_frame_lies_in_a_window_and_neighbours_overlap(count: int) -> None:
    starts = window_starts(count, 10, 8)
    covered = np.zeros(count, int)
    for start in starts:
        covered[start : start + 10] += 1
    assert covered.all() and starts[0] == 0
    assert starts[-1] == max(count - 10, 0)
    assert all(0 < later - earlier <= 8 for earlier, later in itertools.pairwise(starts))


def test_an_empty_sequence_has_no_window() -> None:
    assert window_starts(0, 10, 8) == []


def test_slope_and_its_reverse_sum_to_one() -> None:
    slope = raised_cosine(13)
    np.testing.assert_allclose(slope + slope[::-1], 1.0)
    assert 0 < slope[0] < slope[-1] < 1
