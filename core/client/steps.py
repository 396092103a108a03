# SPDX-License-Identifier: GPL-3.0-or-later
"""``StepStatus``: what a running piece of work says between two steps. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepStatus:
    """stage: plain words for the user. fraction: 0..1 of the whole. seconds_left: None while unknown."""

    stage: str
    fraction: float
    seconds_left: float | None = None
