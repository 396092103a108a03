# SPDX-License-Identifier: GPL-3.0-or-later
"""The short benchmark as a test: the bundled network on bundled inputs must not be clearly worse than recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ModelError
from core.evaluation.history import read_history, regressions
from core.evaluation.short import measure_short
from core.training.corpus import DATA_ROOT
from core.weights import bundled


@pytest.mark.timeout(280)
def test_bundled_network_is_no_worse_than_recorded() -> None:
    try:
        bundled("adamesh_base.safetensors")
    except ModelError as error:
        pytest.skip(f"no bundled network to measure: {error}")
    entry = measure_short(DATA_ROOT)
    assert regressions(entry, read_history()) == []
    # whatever is recorded: the mouth must follow the bundled speech
    assert entry.metrics["demo.correlation"] > 0.4


def test_short_form_runs_without_the_shared_data(tmp_path: Path) -> None:
    from core.evaluation.short import shared_clips

    assert shared_clips(tmp_path) == []
