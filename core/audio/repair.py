# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples that are no numbers, or absurdly large ones, never leave the decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# float files scaled like 16-bit integers stay below; what is larger is a broken sample
ABSURD_SAMPLE = 1e5
# float files may run over full scale; beyond this they were never scaled to it
OVER_SCALE_PEAK = 4.0


@dataclass(slots=True)
class SampleRepair:
    """Replaces broken samples by a line between their neighbours and counts them."""

    broken: int = 0
    seen: int = 0
    first_seconds: float = 0.0

    def clean(self, samples: NDArray[np.float32], start_seconds: float, rate: int) -> NDArray[np.float32]:
        """(N, C) samples that begin at a second; the same array where all are sound."""
        self.seen += samples.size
        # NaN compares false, so this finds NaN, infinities and absurd numbers in one pass
        good = np.abs(samples) < ABSURD_SAMPLE
        if good.all():
            return samples
        if not self.broken:
            self.first_seconds = start_seconds + float(np.argmin(good.all(axis=1))) / rate
        self.broken += int(samples.size - good.sum())
        return np.stack([_bridged(samples[:, c], good[:, c]) for c in range(samples.shape[1])], axis=1)

    @property
    def hopeless(self) -> bool:
        """More broken samples than good ones."""
        return self.broken * 2 > self.seen


def _bridged(samples: NDArray[np.float32], good: NDArray[np.bool_]) -> NDArray[np.float32]:
    if not good.any():
        return np.zeros_like(samples)
    index = np.arange(len(samples))
    return np.where(good, samples, np.interp(index, index[good], samples[good])).astype(np.float32)


def to_full_scale(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Sound far over full scale brought down to it, and the peak it had; what is loud but sane stays."""
    # no temporary array: this may be hours
    peak = float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
    if peak <= OVER_SCALE_PEAK:
        return samples, peak
    # a few spikes must not make the rest inaudible
    loud = float(np.percentile(np.abs(samples), 99.9))
    if loud <= OVER_SCALE_PEAK:
        return np.clip(samples, -1.0, 1.0), peak
    return np.clip(samples / np.float32(loud), -1.0, 1.0), peak
