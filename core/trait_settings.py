# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts on the traits of a style, each declared once as those of :mod:`core.settings`. Standard library only."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .settings_schema import SettingsGroup, setting

LIMITS = (0.0, 2.0)
_amount = functools.partial(setting, 1.0, low=LIMITS[0], high=LIMITS[1], step=0.05, subtype="FACTOR")


@dataclass(frozen=True, slots=True)
class TraitAmounts(SettingsGroup):
    """Factors on the traits; 1 leaves a trait as it is."""

    opening: float = _amount(label="Opening", help="How far the mouth opens")
    rounding: float = _amount(label="Rounding", help="How far the lips come forwards")
    brows: float = _amount(label="Brows", help="How much the brows move")
    asymmetry: float = _amount(label="Asymmetry", help="What left and right of the mouth do differently")
    blinks: float = _amount(label="Blinks", help="How often the eyes blink")
    nods: float = _amount(label="Nods", help="How much the head nods")

    def scaled(self, strength: float) -> TraitAmounts:
        """The amounts at a style strength: none at 0, all of them at 1."""
        share = min(max(strength, 0.0), 1.0)
        return TraitAmounts(**{name: 1.0 + share * (value - 1.0) for name, value in self.values().items()})
