# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides a head motion beside the speech: settings, and what a reference gives. numpy only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .style_matrix import StyleMatrix

AMOUNT_LIMIT = 2.0
DEAD_ZONE_LIMIT_RADIANS = 0.1
NEIGHBOUR_LIMIT = 16
TEMPERATURE_LIMIT = 2.0
SOURCES = ("bank", "reference")


@dataclass(frozen=True, slots=True)
class PoseSettings:
    """How the head moves. k: styles of the bank that are mixed (1 is AdaMesh's).

    temperature: 0 takes the likeliest code. top_p: see ``Sampling``. amount: 0 is a still
    head, 1 as generated. dead_zone_radians: movement smaller than this is taken out. source: ``bank`` generates in
    the retrieved style; ``reference`` plays the reference's own head motion.
    """

    k: int = 1
    temperature: float = 1.0
    top_p: float = 0.95
    seed: int = 0
    amount: float = 1.0
    dead_zone_radians: float = 0.0
    source: str = "bank"

    def __post_init__(self) -> None:
        _require("number of mixed pose styles", self.k, 1, NEIGHBOUR_LIMIT)
        _require("pose temperature", self.temperature, 0.0, TEMPERATURE_LIMIT)
        _require("pose top-p", self.top_p, 0.01, 1.0)
        _require("head amount", self.amount, 0.0, AMOUNT_LIMIT)
        _require("head dead zone", self.dead_zone_radians, 0.0, DEAD_ZONE_LIMIT_RADIANS)
        if self.source not in SOURCES:
            raise SettingsError(f"There is no head source called {self.source!r}; there are: {', '.join(SOURCES)}.")

    def with_source(self, source: str) -> PoseSettings:
        """A copy that takes the head from elsewhere."""
        return dataclasses.replace(self, source=source)


@dataclass(frozen=True, slots=True, eq=False)
class PoseReference:
    """What a reference clip gives. head: (T, 3) radians at 25 fps; matrix: None without sound."""

    head: NDArray[np.float32]
    matrix: StyleMatrix | None = None


def _require(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingsError(f"The {what} is {value:g}; it must lie between {low:g} and {high:g}.")
