# SPDX-License-Identifier: GPL-3.0-or-later
"""What a driver's expression makes of its control is told where it is a straight line, and nowhere else."""

from __future__ import annotations

import pytest

from core.rig.driver_shape import DriverShape, driver_shape


@pytest.mark.parametrize(
    ("expression", "factor", "one_sided"),
    [
        ("var", 1.0, False),
        ("2 * var", 2.0, False),
        ("-var / 0.05", -20.0, False),
        ("(var * 4) / 2 + 0", 2.0, False),
        ("max(var, 0)", 1.0, True),
        ("max(-var * 10, 0.0)", -10.0, True),
        ("clamp(50*var)", 50.0, True),
        ("min(max(var / .02, 0), 1)", 50.0, True),
        ("var * 3 if var > 0 else 0", 3.0, True),
        ("0 if var >= 0 else -var", -1.0, True),
    ],
)
def test_a_straight_line_is_told_on_the_side_where_it_is_one(expression: str, factor: float, one_sided: bool) -> None:
    shape = driver_shape(expression, "var")
    assert shape is not None
    assert shape == DriverShape(pytest.approx(factor, rel=1e-4), one_sided)


def test_other_variables_that_stand_still_are_numbers() -> None:
    shape = driver_shape("clamp(way * amount * 10, 0, 1)", "way", {"amount": 2.0})
    assert shape == DriverShape(pytest.approx(20.0), True)
    assert driver_shape("way * amount", "way", {"amount": 0.0}) is None


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "var ** 2",
            "var + 0.1",
            "max(var, 0) ** 2",
            "abs(var)",
            "1 - var",
            "min(var, 0.5)",
            "0.0",
            "other",
            "var.x",
        ),
        *("sin(var)", "var / 0", "max(var, 0) - 2 * min(var, 0)", "__import__('os')", "", "var *", "frame * var"),
        *("min(max(var, 0), -1)", "var if other else 0", "-max(var, 0)"),
    ],
)
def test_anything_else_is_not(expression: str) -> None:
    assert driver_shape(expression, "var") is None
