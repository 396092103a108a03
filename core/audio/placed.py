# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of sound placed on one line of samples that grows, so that hours lie in memory once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

_Kind = TypeVar("_Kind", bound=Hashable)
# samples: pages are only taken when they are written
_FIRST = 1 << 20


@dataclass(slots=True)
class PlacedSound(Generic[_Kind]):
    """Samples with the kind of block that each came from; where blocks overlap the later one counts."""

    _samples: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    _length: int = 0
    # [first, end) and kind, in order, without overlap
    _runs: list[tuple[int, int, _Kind]] = field(default_factory=list)

    def add(self, at: int, kind: _Kind, block: NDArray[np.float32]) -> None:
        """Place (N,) samples from index ``at`` on; what lies before index 0 is left out."""
        block = block[max(-at, 0) :]
        first = max(at, 0)
        end = first + len(block)
        if first == end:
            return
        self._reserve(end)
        self._samples[self._length : first] = 0.0
        self._samples[first:end] = block
        self._length = max(self._length, end)
        self._note(first, end, kind)

    def finish(self, gain: Callable[[_Kind], np.float32], last: int | None = None) -> NDArray[np.float32]:
        """(N,) everything up to ``last``, each kind scaled by its gain, silence between; this object is empty then."""
        for first, end, kind in self._runs:
            self._samples[first:end] *= gain(kind)
        length = self._length if last is None else max(min(self._length, last), 0)
        samples, self._samples = self._samples, np.zeros(0, np.float32)
        self._length, self._runs = 0, []
        # gives back what was reserved; nothing else refers to it
        samples.resize(length, refcheck=False)
        return samples

    def _reserve(self, end: int) -> None:
        if end > len(self._samples):
            grown = max(end, len(self._samples) + len(self._samples) // 4, _FIRST)
            # in place where the system can: hours are not copied
            self._samples.resize(grown, refcheck=False)

    def _note(self, first: int, end: int, kind: _Kind) -> None:
        kept: list[tuple[int, int, _Kind]] = []
        later: list[tuple[int, int, _Kind]] = []
        while self._runs and self._runs[-1][1] > first:
            begin, stop, other = self._runs.pop()
            if begin < first:
                kept.append((begin, first, other))
            if stop > end:
                later.append((max(begin, end), stop, other))
        self._runs += kept
        if self._runs and self._runs[-1][1] == first and self._runs[-1][2] == kind:
            first = self._runs.pop()[0]
        self._runs += [(first, end, kind), *reversed(later)]
