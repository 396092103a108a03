# SPDX-License-Identifier: GPL-3.0-or-later
"""The table beside other ways: what it says of each, and where it is written."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.errors import MediaError
from research.evaluation.alternatives import BEGIN, END, PAGE, Group, markdown, write_into
from research.evaluation.compare import SystemSummary


def a_summary(name: str, **values: float) -> SystemSummary:
    """With the given values; the others are 0."""
    known = {item.name: 0.0 for item in dataclasses.fields(SystemSummary)}
    return SystemSummary(**{**known, "name": name, "clips": 3, **values})  # type: ignore[arg-type]


def table() -> str:
    ours = a_summary("ours", correlation=0.8766, lip_error_mm=1.1, constant_error_mm=2.2, recall=0.94)
    still = a_summary("still", correlation=0.0, lip_error_mm=2.2, constant_error_mm=2.2, recall=float("nan"))
    groups = [Group("reading", 3, {"ours": ours, "still": still}), Group("free", 2, {"still": still})]
    return markdown(groups, ["ours", "still"], "2026-11-26")


def test_every_row_has_a_cell_for_every_column_and_a_dash_where_it_cannot_be_done() -> None:
    rows = [line for line in table().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {8}
    assert "| ours | 0.877 | 0.50 | 94% | – | – | – |" in rows
    assert "| still | 0.000 | 1.00 | – | 0.000 | 1.00 | – |" in rows
    assert "reading 3 clips, free 2 clips. Measured on 2026-11-26." in table()


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, "new")
    write_into(page, "newer")
    assert page.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(MediaError, match="no place"):
        write_into(page, "new")
    assert page.read_text() == "no marks"


def test_the_page_has_the_marks() -> None:
    assert PAGE.read_text().count(BEGIN) == PAGE.read_text().count(END) == 1
