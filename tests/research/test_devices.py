# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of devices judges what it is given; the networks themselves run in ``make cuda-check``."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from research.evaluation.devices import TOLERANCE, Outcome, compare, spent


def _outcome(device: str, change: float = 0.0) -> Outcome:
    def values(case: str) -> NDArray[np.float64]:
        return np.random.default_rng(len(case)).normal(size=(50, 3)) * (1 + change)

    cases = {case: {"seconds": 1.0, "card": 2.0, "host": 3.0} for case in TOLERANCE}
    return Outcome(device, {case: values(case) for case in TOLERANCE}, cases, f"{device}: made up")


@pytest.mark.parametrize(("change", "within"), [(0.0, True), (1e-4, True), (0.02, False), (float("nan"), False)])
def test_motion_that_differs_or_is_no_number_is_beyond_tolerance(change: float, within: bool) -> None:
    rows, good = compare(_outcome("cpu"), _outcome("cuda", change))
    assert good is within and len(rows) == len(TOLERANCE)


def test_table_of_times_has_columns_for_every_device() -> None:
    text = spent([_outcome("cpu"), _outcome("cuda")]).text()
    assert "cuda card MB" in text and "cpu: made up; cuda: made up" in text
