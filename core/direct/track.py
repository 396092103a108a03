# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels that are keyed on the same frames, while it is found out which frames they need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bezier import evaluate_keys

_ROUNDS = 60


class Track:
    """Dense values and the frames chosen of them.

    frames: (T,). values: (T, C). now: (T, C) what the chosen keys give. chosen: (T,). moves: (C,) millimetres that the
    face moves by a unit.
    """

    def __init__(
        self,
        frames: NDArray[np.float64],
        values: NDArray[np.float64],
        moves: NDArray[np.float64],
        bezier: bool,
    ) -> None:
        self.frames, self.values, self.moves, self.bezier = frames, values, moves, bezier
        self.chosen = np.zeros(len(frames), bool)
        self.chosen[[0, -1]] = True
        self.now, self._stale = values, False
        self._draw()

    def split(self, most_mm: float, allowed: NDArray[np.bool_]) -> None:
        """Add keys where the curve is furthest off until it is nowhere off by more."""
        for _ in range(_ROUNDS):
            off, keys, added = self._off(), np.flatnonzero(self.chosen), False
            # on a key the curve is not off
            for far in np.flatnonzero(np.maximum.reduceat(off, keys[:-1]) > most_mm):
                first, last = int(keys[far]), int(keys[far + 1])
                place = self._free(first + int(off[first:last].argmax()), first, last, allowed)
                if place is not None:
                    self.chosen[place] = added = True
            if not added:
                return
            self._draw()

    def add_near(self, frame: int, allowed: NDArray[np.bool_]) -> bool:
        """One more key where the curve about this frame is furthest off; False where there is no room for one."""
        keys = np.flatnonzero(self.chosen)
        after = int(np.clip(np.searchsorted(keys, frame, side="right"), 1, len(keys) - 1))
        first, last = int(keys[after - 1]), int(keys[after])
        off = self._off()[first : last + 1]
        place = self._free(int(first + off.argmax()), first, last, allowed)
        if place is None:
            return False
        self.add(place)
        return True

    def add(self, frame: int) -> None:
        """One more key; :meth:`redraw` then shows what it does."""
        self.chosen[frame] = self._stale = True

    def redraw(self) -> NDArray[np.bool_] | None:
        """Bring ``now`` up to date; the frames (T,) on which it is another, None where it was up to date."""
        if not self._stale:
            return None
        before = self.now
        self._draw()
        changed: NDArray[np.bool_] = (self.now != before).any(axis=1)
        return changed

    def _free(self, wanted: int, first: int, last: int, allowed: NDArray[np.bool_]) -> int | None:
        """The allowed frame next to the wanted one between two keys."""
        inside = np.arange(first + 1, last)
        inside = inside[allowed[first + 1 : last]]
        return int(inside[np.abs(inside - wanted).argmin()]) if len(inside) else None

    def _off(self) -> NDArray[np.float64]:
        off: NDArray[np.float64] = (np.abs(self.now - self.values) * self.moves).max(axis=1)
        return off

    def _draw(self) -> None:
        at = self.frames[self.chosen]
        columns = [evaluate_keys(at, column[self.chosen], self.frames, self.bezier) for column in self.values.T]
        self.now = np.stack(columns, axis=1)
        self._stale = False
