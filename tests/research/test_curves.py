# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol's curves: every point is a recipe that exists, and a table has a row for each and the still face."""

from __future__ import annotations

import pytest

from core.models.speech.registry import BUNDLED, WHISPER
from research.evaluation.protocol.curves import curve_table, curves
from research.evaluation.protocol.recipes import find_recipe
from research.evaluation.protocol.scores import ProtocolClip


@pytest.mark.parametrize("encoder", [BUNDLED, WHISPER])
def test_every_point_is_a_recipe_of_that_encoder(encoder: str) -> None:
    for curve in curves(encoder):
        for _, name in curve.points:
            assert find_recipe(name).encoder == encoder


def test_a_curve_has_a_row_for_each_point_and_the_still_face() -> None:
    curve = curves(BUNDLED)[0]

    def clip(person: str, best: float) -> ProtocolClip:
        return ProtocolClip(person, person, 2.0, 0.0, best, 1.0, 2.0, 1.0, 1, 1, 1)

    results = {name: {0: [clip("obama", 0.1 * k), clip("s2", 0.5)]} for k, (_, name) in enumerate(curve.points)}
    rows = curve_table(curve, results).rows
    assert [row[1] for row in rows] == ["0.000 / 0.500", "0.100 / 0.500", "0.200 / 0.500", "0 / 1.000"]
    assert {row[2] for row in rows[:-1]} == {"0.500 / 0.500"}
