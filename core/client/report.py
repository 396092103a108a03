# SPDX-License-Identifier: GPL-3.0-or-later
"""``GenerateReport``: what a finished run tells the user."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..pose.bank import Codes, Neighbour
    from ..style.style import Style
    from ..tracking.quality import QualityReport

# of the codes, how many are named
_COMMONEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class GenerateReport:
    """motion_seconds: speech covered; elapsed_seconds: how long the run took.

    details: sentences that need no attention. notes: sentences that do.

    reference: the clip's quality in words; quality: all that was seen of it.
    style: what was learnt from it or loaded, None without either.
    mixed_in: share and name of a second style, empty for none.
    neighbours: the pose styles that the head was retrieved from, nearest first.
    codes: the pose codebook's entries that the head was decoded from, a row for each step.
    """

    object_name: str
    motion_seconds: float
    keys_written: int
    actions: tuple[str, ...]
    style: Style | None
    reference: str | None
    elapsed_seconds: float
    notes: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    mixed_in: str = ""
    details: tuple[str, ...] = ()
    quality: QualityReport | None = None
    codes: Codes = ()

    def describe(self) -> str:
        """Lines for the panel; the first one says it all."""
        lines = [
            f"Keyed {self.motion_seconds:.1f} s of speech on {self.object_name} in {self.elapsed_seconds:.1f} s.",
            f"{self.keys_written:,} keys, in {_listed(self.actions)}.",
        ]
        if self.reference:
            lines.append(f"Reference {self.reference}")
        elif self.style:
            lines.append(f"Style {self.style.name}.")
        if self.mixed_in:
            lines.append(f"Mixed with {self.mixed_in}.")
        return "\n".join([*lines, *self.details, *self.notes])


@dataclass(frozen=True, slots=True)
class HeadReport:
    """What the user is told when head motion was regenerated. neighbours: nearest first; notes: sentences."""

    object_name: str
    elapsed_seconds: float
    neighbours: tuple[Neighbour, ...]
    notes: tuple[str, ...] = ()
    codes: Codes = ()

    def describe(self) -> str:
        """Lines for the panel."""
        lines = [f"Regenerated the head motion of {self.object_name} in {self.elapsed_seconds:.1f} s."]
        return "\n".join([*lines, *self.notes])


def describe_codes(codes: Codes) -> str:
    """A line for the panel: how many entries of the codebook moved the head, and the commonest of the first level.

    Empty where the head was not decoded from codes.
    """
    if not codes:
        return ""
    counted = Counter(row[0] for row in codes)
    # the commonest first, and of equally common ones the lower number
    first = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_COMMONEST]
    if first[0][1] == 1:
        return f"{len(counted)} codes in {len(codes)} steps, none twice."
    shown = ", ".join(f"{code} ({times}×)" for code, times in first if times > 1)
    return f"{len(counted)} codes in {len(codes)} steps; commonest: {shown}."


def describe_neighbours(neighbours: tuple[Neighbour, ...]) -> str:
    """A line per pose style that was followed: its name, distance where it is known, and share in the mix."""
    return "\n".join(f"{found.name}: {_distance(found)}{found.share:.0%}" for found in neighbours)


def _distance(found: Neighbour) -> str:
    return f"distance {found.distance:.2f}, " if math.isfinite(found.distance) else ""


def _listed(names: tuple[str, ...]) -> str:
    noun = "the action" if len(names) == 1 else "the actions"
    return f"{noun} {' and '.join(names)}"
