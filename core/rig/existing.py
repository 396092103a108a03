# SPDX-License-Identifier: GPL-3.0-or-later
"""What already animates a rig: actions, NLA tracks, drivers, and which of the actions are lines that we made."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .curves import ARMATURE, KEY


@dataclass(frozen=True, slots=True)
class Line:
    """A line of speech on a face: which sound it was made for (a strip's name or a file) and which face talks."""

    sound: str = ""
    face: str = ""


@dataclass(frozen=True, slots=True)
class ExistingAction:
    """An action in place. ours: made by Mimesh and not edited since. edited: made by us, then changed by hand.

    paths: what it keys on this datablock. first, last: its frames. line: the speech that it was made for. noted: what
    of an edited action is ours is known, so that the artist's keys can be carried into new motion.
    """

    name: str
    ours: bool
    edited: bool = False
    paths: frozenset[str] = frozenset()
    first: float = 0.0
    last: float = 0.0
    line: Line = Line()
    noted: bool = False

    @property
    def tagged(self) -> bool:
        """Whether Mimesh made it at all."""
        return self.ours or self.edited


@dataclass(frozen=True, slots=True)
class ExistingStrip:
    """An action strip in an NLA track. replaces: it hides what lies under it; else it adds to it."""

    action: ExistingAction
    first: float
    last: float
    replaces: bool = True
    muted: bool = False
    holds: bool = False


@dataclass(frozen=True, slots=True)
class ExistingTrack:
    """An NLA track, bottom first in its datablock."""

    name: str
    strips: tuple[ExistingStrip, ...] = ()
    muted: bool = False

    @property
    def ours(self) -> bool:
        """Whether every strip in it is a line of ours."""
        return bool(self.strips) and all(strip.action.tagged for strip in self.strips)


@dataclass(frozen=True, slots=True)
class ExistingDatablock:
    """Animation of one datablock. driven: paths with drivers. solo: a soloed NLA track mutes all else.

    replaces: whether the action hides what the tracks do on its channels. nla_off: the tracks are switched off.
    """

    action: ExistingAction | None = None
    driven: frozenset[str] = frozenset()
    tweaking: bool = False
    solo: str = ""
    tracks: tuple[ExistingTrack, ...] = ()
    replaces: bool = True
    nla_off: bool = False

    def lines(self) -> tuple[ExistingAction, ...]:
        """Every line of ours, wherever it is."""
        active = (self.action,) if self.action is not None and self.action.tagged else ()
        return (*active, *(s.action for track in self.tracks for s in track.strips if s.action.tagged))


@dataclass(frozen=True, slots=True)
class ExistingAnimation:
    """Animation of the face's shape keys, of its armature, and of the meshes that go with it, by datablock."""

    key: ExistingDatablock = ExistingDatablock()
    armature: ExistingDatablock = ExistingDatablock()
    parts: tuple[tuple[str, ExistingDatablock], ...] = ()

    def of(self, datablock: str) -> ExistingDatablock:
        """What animates one datablock."""
        return {KEY: self.key, ARMATURE: self.armature, **dict(self.parts)}.get(datablock, ExistingDatablock())


@dataclass(frozen=True, slots=True, eq=False)
class CurvePoints:
    """One F-curve's identity and (n, 2) frame, value pairs."""

    path: str
    index: int
    points: NDArray[np.float32]


def fingerprint(curves: Iterable[CurvePoints]) -> str:
    """A checksum of curves, kept with the action: tells whether the artist has moved a key since."""
    total = 0
    for curve in sorted(curves, key=lambda curve: (curve.path, curve.index)):
        total = zlib.crc32(f"{curve.path}[{curve.index}]".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(curve.points, "<f4").tobytes(), total)
    return f"{total:08x}"
