# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does what while others speak: the stretches between a character's own lines. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# shorter stretches are left to the ease of the lines around them
SHORTEST_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of somebody. number: in the sheet. first, last: frames of its sound."""

    number: int
    character: str
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a character does not speak. number: of the line that is attended to, None for idle time."""

    character: str
    first: float
    last: float
    number: int | None = None


def find_pauses(
    lines: Sequence[Spoken], character: str, first: float, last: float, fps: float, ease_frames: float
) -> tuple[Pause, ...]:
    """The character's stretches between ``first`` and ``last``, in order; none touches a line's ease or its own.

    Where several others speak at once, the one who began first is attended to.
    """
    shortest = SHORTEST_SECONDS * fps
    own = [
        (line.first - 2 * ease_frames, line.last + 2 * ease_frames) for line in lines if line.character == character
    ]
    found: list[Pause] = []
    for begin, end in _free(own, first, last):
        at = begin
        others = sorted((line for line in lines if line.character != character), key=lambda line: line.first)
        for line in others:
            low, high = max(line.first, at), min(line.last, end)
            if high - low < shortest:
                continue
            if low - at >= shortest + 2 * ease_frames:
                found.append(Pause(character, at, low - 2 * ease_frames))
            found.append(Pause(character, low, high, line.number))
            at = high + 2 * ease_frames
        if end - at >= shortest:
            found.append(Pause(character, at, end))
    return tuple(found)


def _free(taken: Sequence[tuple[float, float]], first: float, last: float) -> list[tuple[float, float]]:
    free, at = [], first
    for begin, end in sorted(taken):
        if begin > at:
            free.append((at, min(begin, last)))
        at = max(at, end)
    if at < last:
        free.append((at, last))
    return [(begin, end) for begin, end in free if end > begin]
