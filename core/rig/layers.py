# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a line goes among what animates a datablock already: nobody's keys are lost, and each line keeps its own.

A line is the active action where nothing else needs that place, so that its keys are at hand; else it is a strip on an
NLA track of ours. An earlier line becomes such a strip when a new one comes. A line that is made again takes its own
old place, so that corrections above it stay above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..settings import OnExisting
from .existing import ExistingAction, ExistingDatablock, ExistingStrip, Line
from .layer_words import kept_aside, overwrite_refused, refuse_tweaking, under

Place = Literal["active", "swap", "strip"]
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


@dataclass(frozen=True, slots=True)
class Layer:
    """What to do on one datablock.

    place: as the active action, in the place of the strip ``swap``, or as a new strip: in the track ``track``, or in a
    new track above the track ``above`` (-1 is the lowest place) where ``track`` is None. retires: the active action is
    ours and of this line. pushes: the active action becomes a strip first, ``mutes_pushed`` if it is an old version of
    this line; ``mutes`` are strips that are. drops: more strips of this line. holds, pushed_holds: the strip shows
    rest outside its line, because nothing below does. blends: frames of blending with what lies below.
    uncovered: paths that nothing below animates, where something below animates others. carries: the name of the
    line's present action where the artist has edited it: the new one is a copy with the artist's keys. adds: to
    additive corrections below, since Blender has no way to put a track below them.
    """

    datablock: str
    place: Place
    swap: StripPlace | None = None
    track: int | None = None
    above: int = -1
    retires: bool = False
    pushes: bool = False
    mutes_pushed: bool = False
    mutes: tuple[StripPlace, ...] = ()
    drops: tuple[StripPlace, ...] = ()
    holds: bool = False
    pushed_holds: bool = False
    blends: int = 0
    uncovered: frozenset[str] = frozenset()
    adds: bool = False
    replaced: tuple[str, ...] = ()
    pushed: str = ""
    pushed_ours: bool = False
    carries: str = ""
    warnings: tuple[str, ...] = ()


def decide_layer(
    datablock: str,
    where: str,
    block: ExistingDatablock,
    touched: frozenset[str],
    span: Span,
    line: Line,
    on_existing: OnExisting,
) -> Layer:
    """Decide for one datablock, called ``where`` in sentences. Raises :class:`RigError` for what is in the way."""
    refuse_tweaking(where, block)
    same = [(place, strip) for place, strip in _strips(block) if _is_line(strip.action, line, span)]
    carried = {place for place, strip in same if _carries(strip.action, line) and not strip.muted}
    fresh = [place for place, strip in same if strip.action.ours or place in carried]
    swaps = bool(fresh) and _has_room(block, fresh, span)
    edited = [place for place, strip in same if strip.action.edited and not strip.muted and place not in carried]
    action, retires, pushes, mutes_pushed = block.action, False, False, False
    carries = next((strip.action.name for place, strip in same if place in carried), "")
    warnings = [kept_aside(where, strip.action) for place, strip in same if place in edited]
    if action is not None and _is_line(action, line, span):
        retires = action.ours or _carries(action, line)
        pushes = mutes_pushed = not retires
        if retires and action.edited:
            carries = action.name
        if pushes:
            warnings.append(kept_aside(where, action))
    elif action is not None and action.tagged:
        pushes = not swaps
    elif action is not None and block.replaces and action.paths & touched:
        if on_existing == "refuse":
            raise overwrite_refused(where, action)
        pushes = True
        warnings.append(under(where, action, touched))
    replaced = [action.name] if retires and action is not None else []
    replaced += [strip.action.name for place, strip in same if place in fresh]
    free = action is None or retires or pushes
    lower = _lower_paths(block, {place for place, _ in same}) | (
        action.paths if pushes and action is not None and not action.tagged else frozenset()
    )
    shares, waits = bool(lower & touched), pushes and not mutes_pushed
    place, above, track = _placed(block, touched, span, free, shares, retires, swaps, fresh, waits)
    # the track that the strip comes into; Blender cannot make one below all others
    level = fresh[0].track if swaps else track if track is not None else above + 1 if above >= 0 else len(block.tracks)
    adds = place != "active" and not pushes and _adds(block, touched, level)
    warnings += _hiding(where, block, touched, span, place, fresh[0].track if swaps else above)
    return Layer(
        datablock=datablock,
        place=place,
        swap=fresh[0] if place == "swap" else None,
        track=track,
        above=above,
        retires=retires,
        pushes=pushes,
        mutes_pushed=mutes_pushed,
        mutes=tuple(edited),
        drops=tuple(fresh[1:] if place == "swap" else fresh),
        holds=place != "active"
        and not shares
        and _is_lowest(block, track if track is not None else above, fresh, pushes),
        pushed_holds=pushes and not shares and _is_lowest(block, len(block.tracks), [], False),
        blends=span.ease if (shares and not adds) or _meets_line(block, span, {p for p, _ in same}, waits) else 0,
        uncovered=touched - lower if shares else frozenset(),
        adds=adds,
        replaced=tuple(replaced),
        pushed=action.name if pushes and action is not None else "",
        pushed_ours=pushes and action is not None and action.tagged,
        carries=carries,
        warnings=tuple(warnings),
    )


def _placed(
    block: ExistingDatablock,
    touched: frozenset[str],
    span: Span,
    free: bool,
    shares: bool,
    retires: bool,
    swaps: bool,
    fresh: list[StripPlace],
    pushes: bool,
) -> tuple[Place, int, int | None]:
    """The place, the track to be above, and a track of ours that has room."""
    if swaps:
        return "swap", -1, None
    meets = _meets_line(block, span, set(fresh), pushes)
    if free and (retires or not (shares or meets)):
        return "active", -1, None
    return _strip_place(block, touched, span, pushes and shares)


def _strip_place(
    block: ExistingDatablock, touched: frozenset[str], span: Span, above_all: bool
) -> tuple[Place, int, int | None]:
    ours = [index for index, track in enumerate(block.tracks) if track.ours and not track.muted]
    active = block.action
    pushed_meets = active is not None and active.tagged and _overlap(active.first, active.last, span) > 0
    for index in reversed(ours):
        if above_all or pushed_meets:
            break
        if all(_overlap(strip.first, strip.last, span) <= 0 for strip in block.tracks[index].strips):
            return "strip", index, index
    if above_all or pushed_meets:
        return "strip", len(block.tracks), None
    hiding = [
        index
        for index, track in enumerate(block.tracks)
        if any(strip.replaces and strip.action.paths & touched for strip in track.strips)
    ]
    return "strip", max([*ours, *hiding], default=-1), None


def _strips(block: ExistingDatablock) -> Iterator[tuple[StripPlace, ExistingStrip]]:
    for number, track in enumerate(block.tracks):
        for index, strip in enumerate(track.strips):
            yield StripPlace(number, index), strip


def _is_line(action: ExistingAction, line: Line, span: Span) -> bool:
    """Whether an action of ours is this line: made for the same sound, or in the same place."""
    if not action.tagged or action.line.face not in ("", line.face):
        return False
    if action.line.sound and action.line.sound == line.sound:
        return True
    shorter = min(action.last - action.first, span.last - span.first)
    return shorter <= 0 or _overlap(action.first, action.last, span) > _SAME_SHARE * shorter


def _carries(action: ExistingAction, line: Line) -> bool:
    """Whether the artist's keys go into the new line: it is of the same sound, and known which they are."""
    return action.edited and action.noted and action.line.sound == line.sound


def _overlap(first: float, last: float, span: Span) -> float:
    return min(last, span.last) - max(first, span.first)


def _meets_line(block: ExistingDatablock, span: Span, besides: set[StripPlace], with_active: bool) -> bool:
    """Whether another line of ours is still easing when this one begins, or the other way round."""
    others = [s for p, s in _strips(block) if s.action.tagged and p not in besides and not s.muted]
    met = any(_overlap(strip.first, strip.last, span) > 0 for strip in others)
    active = block.action
    if with_active and active is not None and active.tagged:
        return met or _overlap(active.first, active.last, span) > 0
    return met


def _has_room(block: ExistingDatablock, fresh: list[StripPlace], span: Span) -> bool:
    """Whether a line made again can stay in its strip's place among the other strips of the track."""
    strips = block.tracks[fresh[0].track].strips
    old = strips[fresh[0].strip]
    others = [strip for index, strip in enumerate(strips) if StripPlace(fresh[0].track, index) not in fresh]
    return all(
        _overlap(strip.first, strip.last, span) <= 0 and (strip.first < old.first) == (strip.first < span.first)
        for strip in others
    )


def _is_lowest(block: ExistingDatablock, track: int, fresh: list[StripPlace], pushes: bool) -> bool:
    """Whether no other line of ours lies lower than a strip in ``track`` (or in its own old place)."""
    at = fresh[0].track if fresh else track
    lower = [s for p, s in _strips(block) if s.action.tagged and not s.muted and p.track < at and p not in fresh]
    return not lower and not pushes


def _lower_paths(block: ExistingDatablock, besides: set[StripPlace]) -> frozenset[str]:
    """What strips of other people key."""
    found = (s.action.paths for p, s in _strips(block) if not s.action.tagged and not s.muted and p not in besides)
    return frozenset().union(*found)


def _adds(block: ExistingDatablock, touched: frozenset[str], level: int) -> bool:
    """Whether other people's strips below the track ``level`` touch the line's channels, and all of them only add."""
    below = [s for p, s in _strips(block) if p.track < level and not s.action.tagged and not s.muted]
    sharing = [strip for strip in below if strip.action.paths & touched]
    return bool(sharing) and not any(strip.replaces for strip in sharing)


def _hiding(
    where: str, block: ExistingDatablock, touched: frozenset[str], span: Span, place: Place, track: int
) -> list[str]:
    """What would hide the line although it is there."""
    found = []
    if block.solo:
        found.append(f'The NLA track "{block.solo}" on the {where} is soloed and will hide the result.')
    if block.nla_off and place != "active":
        found.append(f"The NLA of the {where} is switched off, so the result does not show until it is switched on.")
    for index, above in enumerate(block.tracks):
        if place == "active" or index <= track or above.ours or above.muted:
            continue
        if any(
            s.replaces
            and not s.muted
            and s.action.paths & touched
            and (s.holds or _overlap(s.first, s.last, span) > 0)
            for s in above.strips
        ):
            found.append(
                f'The NLA track "{above.name}" on the {where} lies above the new keys and hides some of them.'
            )
    return found
