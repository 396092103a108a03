# SPDX-License-Identifier: GPL-3.0-or-later
"""``Speech``: mono sound at 16 kHz and where it came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
# under this peak level a sound counts as silent
SILENCE_PEAK = 10 ** (-60 / 20)


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """samples: (N,) float32 in -1..1 at 16 kHz; sample 0 is ``start_seconds`` into ``source``.

    notes: sentences on what was found and repaired, or chosen, while it was read.
    """

    samples: NDArray[np.float32]
    source: str
    start_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def hash(self) -> str:
        """Fingerprint of the sound itself, whatever its file is called."""
        return hashlib.sha256(np.ascontiguousarray(self.samples).data).hexdigest()
