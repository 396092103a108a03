# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that are printed, put into the HTML report and kept as JSON from the same cells."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """title says what the numbers are and in which unit; the first column is left-aligned."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def text(self) -> str:
        """For the terminal."""
        widths = [max(len(row[i]) for row in (self.columns, *self.rows)) for i in range(len(self.columns))]
        lines = [self._line(row, widths) for row in (self.columns, *self.rows)]
        return "\n".join([self.title, *lines, *([self.note] if self.note else [])])

    def html(self) -> str:
        """For the report."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in self.rows)
        note = f"<p class=note>{html.escape(self.note)}</p>" if self.note else ""
        return f"<h3>{html.escape(self.title)}</h3><table><tr>{head}</tr>{body}</table>{note}"

    @staticmethod
    def _line(row: Sequence[str], widths: Sequence[int]) -> str:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        return "  ".join(cells)


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot as SVG text."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of the benchmark found. data: JSON-able, the unrounded numbers."""

    name: str
    tables: tuple[Table, ...]
    data: dict[str, Any]
    figures: tuple[Figure, ...] = field(default=())


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A cell; a dash where there is nothing to say."""
    if value != value:
        return "–"
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
