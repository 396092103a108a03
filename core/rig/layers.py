# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a line goes among what animates a datablock already: nobody's keys are lost, and each line keeps its own.

A line is the active action where nothing else needs that place, so that its keys are at hand; else it is a strip on an
NLA track of ours. An earlier line becomes such a strip when a new one comes. A line that is made again takes its own
old place, so that corrections above it stay above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..settings import OnExisting
from .existing import ExistingDatablock, Line
from .layer_reading import (
    Span,
    StripPlace,
    adds_only,
    carries_keys,
    has_room,
    is_line,
    is_lowest,
    lower_paths,
    meets_line,
    overlap,
    strips_of,
)
from .layer_words import kept_aside, overwrite_refused, refuse_tweaking, under

Place = Literal["active", "swap", "strip"]


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


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The strips that are this line already: all of them, those that it replaces, those set aside with their edits.

    carries: the name of the action whose keys of the artist's go into the new one, of the strips in ``fresh``.
    """

    places: frozenset[StripPlace]
    fresh: tuple[StripPlace, ...]
    edited: tuple[StripPlace, ...]
    carries: str
    replaced: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Active:
    """What becomes of the active action, in the words of :class:`Layer`.

    below: the paths of somebody else's action, which lies under the line then.
    """

    retires: bool = False
    pushes: bool = False
    mutes_pushed: bool = False
    carries: str = ""
    below: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it is pushed down as a line that still plays."""
        return self.pushes and not self.mutes_pushed


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
    earlier = _earlier(where, block, line, span)
    fresh = earlier.fresh
    swaps = bool(fresh) and has_room(block, fresh, span)
    active = _active(where, block, touched, span, line, on_existing, swaps)
    action, pushes = block.action, active.pushes
    lower = lower_paths(block, earlier.places) | active.below
    shares = bool(lower & touched)
    place, above, track = _placed(block, touched, span, shares, swaps, fresh, active)
    adds = place != "active" and not pushes and adds_only(block, touched, _level(block, swaps, fresh, above, track))
    lowest = not pushes and is_lowest(block, fresh[0].track if fresh else above, fresh)
    meets = meets_line(block, span, earlier.places, active.waits)
    return Layer(
        datablock=datablock,
        place=place,
        swap=fresh[0] if place == "swap" else None,
        track=track,
        above=above,
        retires=active.retires,
        pushes=pushes,
        mutes_pushed=active.mutes_pushed,
        mutes=earlier.edited,
        drops=fresh[1:] if place == "swap" else fresh,
        holds=place != "active" and not shares and lowest,
        pushed_holds=pushes and not shares and is_lowest(block, len(block.tracks), ()),
        blends=span.ease if (shares and not adds) or meets else 0,
        uncovered=touched - lower if shares else frozenset(),
        adds=adds,
        replaced=(*([action.name] if active.retires and action is not None else []), *earlier.replaced),
        pushed=action.name if pushes and action is not None else "",
        pushed_ours=pushes and action is not None and action.tagged,
        carries=active.carries or earlier.carries,
        warnings=(
            *earlier.warnings,
            *active.warnings,
            *_hiding(where, block, touched, span, place, fresh[0].track if swaps else above),
        ),
    )


def _earlier(where: str, block: ExistingDatablock, line: Line, span: Span) -> _Earlier:
    same = [(place, strip) for place, strip in strips_of(block) if is_line(strip.action, line, span)]
    carried = {place: strip for place, strip in same if carries_keys(strip.action, line) and not strip.muted}
    fresh = {place: strip for place, strip in same if strip.action.ours or place in carried}
    edited = {p: strip for p, strip in same if strip.action.edited and not strip.muted and p not in carried}
    return _Earlier(
        places=frozenset(place for place, _ in same),
        fresh=tuple(fresh),
        edited=tuple(edited),
        carries=next((strip.action.name for strip in carried.values()), ""),
        replaced=tuple(strip.action.name for strip in fresh.values()),
        warnings=tuple(kept_aside(where, strip.action) for strip in edited.values()),
    )


def _active(
    where: str,
    block: ExistingDatablock,
    touched: frozenset[str],
    span: Span,
    line: Line,
    on_existing: OnExisting,
    swaps: bool,
) -> _Active:
    """Raises :class:`RigError` for somebody else's action that the settings tell to leave as it is."""
    action = block.action
    if action is None:
        return _Active()
    if is_line(action, line, span):
        if action.ours or carries_keys(action, line):
            return _Active(retires=True, carries=action.name if action.edited else "")
        return _Active(pushes=True, mutes_pushed=True, warnings=(kept_aside(where, action),))
    if action.tagged:
        return _Active(pushes=not swaps)
    if not (block.replaces and action.paths & touched):
        return _Active()
    if on_existing == "refuse":
        raise overwrite_refused(where, action)
    return _Active(pushes=True, below=action.paths, warnings=(under(where, action, touched),))


def _placed(
    block: ExistingDatablock,
    touched: frozenset[str],
    span: Span,
    shares: bool,
    swaps: bool,
    fresh: tuple[StripPlace, ...],
    active: _Active,
) -> tuple[Place, int, int | None]:
    """The place, the track to be above, and a track of ours that has room."""
    if swaps:
        return "swap", -1, None
    free = block.action is None or active.retires or active.pushes
    meets = meets_line(block, span, frozenset(fresh), active.waits)
    if free and (active.retires or not (shares or meets)):
        return "active", -1, None
    return _strip_place(block, touched, span, active.waits and shares)


def _level(block: ExistingDatablock, swaps: bool, fresh: tuple[StripPlace, ...], above: int, track: int | None) -> int:
    """The track that the strip comes into; Blender cannot make one below all others."""
    if swaps:
        return fresh[0].track
    if track is not None:
        return track
    return above + 1 if above >= 0 else len(block.tracks)


def _strip_place(
    block: ExistingDatablock, touched: frozenset[str], span: Span, above_all: bool
) -> tuple[Place, int, int | None]:
    ours = [index for index, track in enumerate(block.tracks) if track.ours and not track.muted]
    active = block.action
    pushed_meets = active is not None and active.tagged and overlap(active.first, active.last, span) > 0
    for index in reversed(ours):
        if above_all or pushed_meets:
            break
        if all(overlap(strip.first, strip.last, span) <= 0 for strip in block.tracks[index].strips):
            return "strip", index, index
    if above_all or pushed_meets:
        return "strip", len(block.tracks), None
    hiding = [
        index
        for index, track in enumerate(block.tracks)
        if any(strip.replaces and strip.action.paths & touched for strip in track.strips)
    ]
    return "strip", max([*ours, *hiding], default=-1), None


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
            s.replaces and not s.muted and s.action.paths & touched and (s.holds or overlap(s.first, s.last, span) > 0)
            for s in above.strips
        ):
            found.append(
                f'The NLA track "{above.name}" on the {where} lies above the new keys and hides some of them.'
            )
    return found
