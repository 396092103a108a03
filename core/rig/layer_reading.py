# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about the animation that a datablock has already, asked before a line is placed among it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .existing import ExistingAction, ExistingDatablock, ExistingStrip, Line

# two lines that share more than this of the shorter one's time are one line made anew
_SAME_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class StripPlace:
    """A strip by the numbers of its track and of itself, from the bottom and from the left."""

    track: int
    strip: int


@dataclass(frozen=True, slots=True)
class Span:
    """first, last: the frames of a line with its ease, which takes ``ease`` frames on either side."""

    first: float
    last: float
    ease: int = 0


def strips_of(block: ExistingDatablock) -> Iterator[tuple[StripPlace, ExistingStrip]]:
    """Every strip with its place, from the bottom up and from left to right."""
    for number, track in enumerate(block.tracks):
        for index, strip in enumerate(track.strips):
            yield StripPlace(number, index), strip


def is_line(action: ExistingAction, line: Line, span: Span) -> bool:
    """Whether an action of ours is this line: made for the same sound, or in the same place."""
    if not action.tagged or action.line.face not in ("", line.face):
        return False
    if action.line.sound and action.line.sound == line.sound:
        return True
    shorter = min(action.last - action.first, span.last - span.first)
    return shorter <= 0 or overlap(action.first, action.last, span) > _SAME_SHARE * shorter


def carries_keys(action: ExistingAction, line: Line) -> bool:
    """Whether the artist's keys go into the new line: it is of the same sound, and known which they are."""
    return action.edited and action.noted and action.line.sound == line.sound


def overlap(first: float, last: float, span: Span) -> float:
    """Frames that ``first`` to ``last`` shares with the line; negative for the frames between them."""
    return min(last, span.last) - max(first, span.first)


def meets_line(block: ExistingDatablock, span: Span, besides: frozenset[StripPlace], with_active: bool) -> bool:
    """Whether another line of ours is still easing when this one begins, or the other way round."""
    others = [s for p, s in strips_of(block) if s.action.tagged and p not in besides and not s.muted]
    met = any(overlap(strip.first, strip.last, span) > 0 for strip in others)
    active = block.action
    if with_active and active is not None and active.tagged:
        return met or overlap(active.first, active.last, span) > 0
    return met


def has_room(block: ExistingDatablock, fresh: tuple[StripPlace, ...], span: Span) -> bool:
    """Whether a line made again can stay in its strip's place among the other strips of the track."""
    strips = block.tracks[fresh[0].track].strips
    old = strips[fresh[0].strip]
    others = [strip for index, strip in enumerate(strips) if StripPlace(fresh[0].track, index) not in fresh]
    return all(
        overlap(strip.first, strip.last, span) <= 0 and (strip.first < old.first) == (strip.first < span.first)
        for strip in others
    )


def is_lowest(block: ExistingDatablock, track: int, fresh: tuple[StripPlace, ...]) -> bool:
    """Whether no other line of ours lies lower than a strip in ``track``."""
    lower = (s for p, s in strips_of(block) if s.action.tagged and not s.muted and p.track < track and p not in fresh)
    return not any(lower)


def lower_paths(block: ExistingDatablock, besides: frozenset[StripPlace]) -> frozenset[str]:
    """What strips of other people key."""
    found = (s.action.paths for p, s in strips_of(block) if not s.action.tagged and not s.muted and p not in besides)
    return frozenset().union(*found)


def adds_only(block: ExistingDatablock, touched: frozenset[str], level: int) -> bool:
    """Whether other people's strips below the track ``level`` touch the line's channels, and all of them only add."""
    below = [s for p, s in strips_of(block) if p.track < level and not s.action.tagged and not s.muted]
    sharing = [strip for strip in below if strip.action.paths & touched]
    return bool(sharing) and not any(strip.replaces for strip in sharing)
