# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the engine may keep silent. Standard library only."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# a longer gap between two looks is no silence of the engine's: the computer slept, or nobody looked
_LONGEST_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the first word, for any word during a job, and for an answer to a cancel."""

    start_seconds: float = 120.0
    silence_seconds: float = 180.0
    cancel_seconds: float = 3.0


@dataclass(slots=True)
class Silence:
    """Seconds of silence that somebody has watched; jumps of the clock do not count."""

    seconds: float = 0.0
    _looked: float = field(default_factory=time.monotonic)

    def broken(self) -> None:
        """The engine said something, or was asked for something."""
        self.seconds, self._looked = 0.0, time.monotonic()

    def look(self) -> float:
        """The seconds so far."""
        now = time.monotonic()
        self.seconds, self._looked = self.seconds + min(now - self._looked, _LONGEST_LOOK_SECONDS), now
        return self.seconds
