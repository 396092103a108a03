# SPDX-License-Identifier: GPL-3.0-or-later
"""Any count of channels to one: the mean of those that carry sound, or one alone where they cancel each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# a channel this far under the loudest carries nothing: it would only make the mean quieter
INACTIVE_BELOW_DB = 40.0
# a mean that loses this much against the loudest channel is one of channels that cancel each other
CANCELLED_BELOW_DB = 20.0
# or this much against channels that have nothing to do with each other
OPPOSED_BELOW_DB = 6.0
# never speech
_EFFECTS_CHANNELS = ("LFE", "LFE2")


@dataclass(slots=True)
class ChannelMix:
    """Mixes blocks of one layout, and finds out meanwhile whether another mix would have been better.

    names: the layout's channel names. only: the channel taken alone, if any.
    """

    names: tuple[str, ...]
    only: int | None = None
    _energy: NDArray[np.float64] = field(init=False)
    _mean_energy: float = 0.0

    def __post_init__(self) -> None:
        self._energy = np.zeros(len(self.names))

    def mix(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C) to (N,): the sum of the channels that can carry speech, to be scaled by :attr:`gain` at the end."""
        if self.only is not None:
            return samples[:, self.only]
        channels = np.ascontiguousarray(samples.T)
        self._energy += [float(np.dot(channel, channel)) for channel in channels]
        total = channels[self._speech_channels].sum(axis=0, dtype=np.float32)
        self._mean_energy += float(np.dot(total, total))
        return total

    @property
    def gain(self) -> np.float32:
        """What makes the sum of the active channels their mean, which can never exceed full scale."""
        return np.float32(1.0 if self.only is not None else 1.0 / max(int(self._active.sum()), 1))

    @property
    def better_alone(self) -> int | None:
        """The loudest channel, where the mix of all has lost most of it; None where the mix is good."""
        if self.only is not None or len(self.names) < 2:
            return None
        loudest = int(self._energy.argmax())
        mixed = self._mean_energy * float(self.gain) ** 2
        unrelated = float(self._energy[self._speech_channels].sum()) * float(self.gain) ** 2
        lost = mixed < max(
            self._energy[loudest] * 10 ** (-CANCELLED_BELOW_DB / 10), unrelated * 10 ** (-OPPOSED_BELOW_DB / 10)
        )
        return loudest if lost and self._energy[loudest] > 0 else None

    @property
    def _speech_channels(self) -> list[int]:
        without_effects = [i for i, name in enumerate(self.names) if name not in _EFFECTS_CHANNELS]
        return without_effects or list(range(len(self.names)))

    @property
    def _active(self) -> NDArray[np.bool_]:
        energy = self._energy[self._speech_channels]
        return energy > energy.max(initial=0.0) * 10 ** (-INACTIVE_BELOW_DB / 10)
