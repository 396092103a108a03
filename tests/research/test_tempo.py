# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves at another tempo: where the rows come from, and that the end is held."""

from __future__ import annotations

import numpy as np

from research.corpus.tempo import retimed

RAMP = np.arange(10, dtype=np.float32)[:, None] * np.array([1.0, -2.0], np.float32)


def test_its_own_tempo_gives_the_rows_back() -> None:
    np.testing.assert_array_equal(retimed(RAMP, 10, 1.0), RAMP)
    np.testing.assert_array_equal(retimed(RAMP, 4, 1.0, first=3), RAMP[3:7])


def test_rows_lie_between_the_sources() -> None:
    np.testing.assert_allclose(retimed(RAMP, 4, 1.5, first=2)[:, 0], [2.0, 3.5, 5.0, 6.5])
    np.testing.assert_allclose(retimed(RAMP, 3, 0.25, precision=np.float64)[:, 1], [0.0, -0.5, -1.0])


def test_the_last_row_is_held_past_the_end() -> None:
    np.testing.assert_allclose(retimed(RAMP, 12, 1.0)[8:, 0], [8.0, 9.0, 9.0, 9.0])
    np.testing.assert_array_equal(retimed(RAMP[:1], 3, 0.7), np.zeros((3, 2)))


def test_half_precision_sources_are_blended_in_single() -> None:
    half = RAMP.astype(np.float16)
    given = retimed(half, 5, 1.1)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given[:, 0], [0.0, 1.1, 2.2, 3.3, 4.4], rtol=1e-6)
