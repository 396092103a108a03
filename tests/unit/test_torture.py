# SPDX-License-Identifier: GPL-3.0-or-later
"""The reduced form of ``make torture``: the loops that need no models."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from core import weights
from core.errors import MimeshError
from core.style.style import Style
from tests.torture.bench import Figures
from tests.torture.files import damaged
from tests.torture.life import kills
from tests.unit.test_style_file import full_style

pytestmark = pytest.mark.slow


def test_ten_kills_at_any_moment_leave_nothing_and_the_next_job_is_served(tmp_path: Path) -> None:
    figures = Figures("kills")
    kills(tmp_path, 10, 1, figures)
    assert figures.done == 10 and figures.problems == []


def test_a_hundred_damaged_styles_load_or_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    full_style().save(path)
    whole, rng = path.read_bytes(), random.Random(2)
    for _ in range(100):
        path.write_bytes(damaged(whole, rng))
        for read in (Style.load, weights.read_metadata):
            try:
                read(path)
            except MimeshError as error:
                assert str(path) in error.message
