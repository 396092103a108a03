# SPDX-License-Identifier: GPL-3.0-or-later
"""What a panel shows of a reference clip: a cell a second, and the reasons for what is left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from ..tracking.quality import QualityReport
from ..tracking.seconds import describe_left_out

Cell = Literal["used", "usable", "flawed"]
_MAX_REASONS = 6


@dataclass(frozen=True, slots=True)
class QualityBar:
    """title: a sentence. cells: from the clip's begin to its end. reasons: sentences such as "3 to 5 s: no face"."""

    title: str
    cells: tuple[Cell, ...]
    reasons: tuple[str, ...]


def quality_bar(text: str, most: int) -> QualityBar | None:
    """From a report's JSON text; None without one. Cells of several seconds where there would be more than ``most``.

    The worst second of a cell tells.
    """
    report = QualityReport.from_json(json.loads(text)) if text else None
    if report is None or not report.bar:
        return None
    begin, end = report.used_seconds or (report.bar[0].start_seconds, report.bar[-1].start_seconds + 1.0)
    each = -(-len(report.bar) // max(most, 1))
    cells: list[Cell] = []
    for first in range(0, len(report.bar), each):
        seconds = report.bar[first : first + each]
        used = all(begin <= second.start_seconds + 0.5 < end for second in seconds)
        cells.append("used" if used else "usable" if all(second.usable for second in seconds) else "flawed")
    title = f"{report.name}: {begin:.0f} to {end:.0f} s are used"
    return QualityBar(title, tuple(cells), describe_left_out(report.bar, _MAX_REASONS))
