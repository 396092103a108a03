# SPDX-License-Identifier: GPL-3.0-or-later
"""``NamedControls``: conventions whose keys are named controls from 0 to 1, each known by its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .base import GazeKey, KeyMatch, RigConvention
from .spelling import Sided, Speller, read_all, without_both

# what a gaze control stands for, with its axis and sign: pitch is positive downwards, yaw to the person's left
GAZE_WAYS: Mapping[str, tuple[int, int, float]] = {
    "eyeLookDownLeft": (0, 0, 1.0),
    "eyeLookUpLeft": (0, 0, -1.0),
    "eyeLookOutLeft": (0, 1, 1.0),
    "eyeLookInLeft": (0, 1, -1.0),
    "eyeLookDownRight": (1, 0, 1.0),
    "eyeLookUpRight": (1, 0, -1.0),
    "eyeLookOutRight": (1, 1, -1.0),
    "eyeLookInRight": (1, 1, 1.0),
}


@dataclass(frozen=True)
class NamedControls(RigConvention):
    """controls: spelling to meaning, for keys that move skin; one that comes left and right is in ``sided``.

    sided_only: those that are nothing without a side. gaze: spellings of eye directions to ARKit's words.
    unused: controls that motion has nothing for. markers: meanings of which ``needed`` must be there. limits: the
    sentence for a user whose rig has so few.
    """

    controls: Mapping[str, str] = field(default_factory=dict)
    sided: Mapping[str, str] = field(default_factory=dict)
    sided_only: Mapping[str, str] = field(default_factory=dict)
    gaze: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    needed: int = 2
    limits: str = ""

    @cached_property
    def speller(self) -> Speller:
        """Made when the first mesh is looked at."""
        spellings: list[tuple[str, str, Sided]] = [
            *((name, meaning, "never") for name, meaning in self.controls.items()),
            *((name, meaning, "may") for name, meaning in self.sided.items()),
            *((name, meaning, "must") for name, meaning in self.sided_only.items()),
            *((name, meaning, "may") for name, meaning in self.gaze.items()),
            *((name, name, "may") for name in self.unused),
        ]
        return Speller(spellings)

    def match(self, names: Sequence[str], object_name: str) -> KeyMatch | None:
        """Enough markers, all spelled in one way."""
        spelt, again = read_all(self.speller, names)
        meanings = {found.name: found.meaning for found in spelt}
        if len(set(self.markers) & set(meanings.values())) < self.needed:
            return None
        unused = (
            {name for name, meaning in meanings.items() if meaning.startswith(self.unused)} if self.unused else set()
        )
        gaze = {name: meaning for name, meaning in meanings.items() if meaning in GAZE_WAYS}
        for both in {"eyeBlink", *self.sided.values()}:
            again.extend(without_both(meanings, both))
        left = {*unused, *again, *gaze}
        chosen = {name: meaning for name, meaning in meanings.items() if name not in left}
        if not chosen:
            return None
        return KeyMatch(
            convention=self,
            names=tuple(chosen),
            meanings=tuple(chosen.values()),
            left_out=(*sorted(unused), *dict.fromkeys(again)),
            gaze=tuple(GazeKey(name, *GAZE_WAYS[meaning]) for name, meaning in gaze.items()),
            found=len(chosen),
        )

    def shortcomings(self, match: KeyMatch) -> str:
        """The convention's own sentence."""
        return self.limits.format(keys=len(match.names)) if self.limits else ""
