# SPDX-License-Identifier: GPL-3.0-or-later
"""``SceneTiming``: where seconds of sound lie on the scene's frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError

FPS_RANGE = (1.0, 240.0)
_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True)
class SceneTiming:
    """Where the motion lies on a scene's frames.

    fps: scene frames per second (fps / fps_base). first_frame: where the sound's first sample lies, between frames
    if need be. last_frame: no key after it; None keys the whole motion.
    """

    fps: float
    first_frame: float
    last_frame: float | None = None

    def __post_init__(self) -> None:
        if not FPS_RANGE[0] <= self.fps <= FPS_RANGE[1]:
            raise SettingsError(f"The scene runs at {self.fps:g} frames per second.", "Set 23.976 to 60 fps.")

    def frames(self, seconds: float) -> NDArray[np.int64]:
        """Whole scene frames from the sound's start to ``seconds`` later, both included."""
        last = self.first_frame + seconds * self.fps
        if self.last_frame is not None:
            last = min(last, self.last_frame)
        return np.arange(np.ceil(self.first_frame - _ROUNDING), np.floor(last + _ROUNDING) + 1).astype(np.int64)

    def seconds_at(self, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds after the sound's first sample."""
        return (frames - self.first_frame) / self.fps
