# SPDX-License-Identifier: GPL-3.0-or-later
"""A kept line with other settings, in the rig's own controls: sums and products of what is kept, no solve."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..adjust_settings import AdjustSettings
from ..face.rotations import FloatArray
from ..rig.resample import sample_monotone
from ..rig.solve import RigMotion, RigSolver
from .closure_hold import ClosureHold, find_lips, make_hold
from .kept_motion import KeptMotion
from .regions import Regions, make_regions

# of a Gauss curve: its width at half height against its deviation
_WIDTH = 2.355
# settings of the keys alone, not of the motion
_EASES = frozenset({"ease_in_seconds", "ease_out_seconds", "tidy_mm", "keys_on"})
# of a closure's weight: from here on the lips are shut
_SHUT_WEIGHT = 0.9
# what is no matter of the mouth and the brows
_APART = _EASES | {"gaze", "head", "blinks"}


@dataclass(frozen=True, slots=True, eq=False)
class AdjustableLine:
    """A line ready to be adjusted any number of times. closures: None for a rig whose lips are not known."""

    kept: KeptMotion
    solved: RigMotion
    plain: RigMotion | None
    regions: Regions
    closures: ClosureHold | None

    def adjusted(self, settings: AdjustSettings) -> RigMotion:
        """The line's motion as the settings want it; with all at their defaults it is the kept one, to the bit."""
        if not changes_motion(settings):
            return self.solved
        values, jaw, lids = self._face(settings)
        whole = np.clip(values + lids, self.regions.low, self.regions.high)
        return dataclasses.replace(
            self.solved,
            key_values=whole.astype(np.float32),
            jaw=jaw.astype(np.float32),
            head=self.solved.head * np.float32(settings.head),
            eyes=self.solved.eyes * np.float32(settings.gaze),
        )

    def shut_on(self, settings: AdjustSettings, seconds: FloatArray) -> NDArray[np.bool_]:
        """(T,) whether the lips are to be shut at these times of the adjusted line."""
        if self.closures is None:
            return np.zeros(len(seconds), bool)
        weight = self.closures.weight(settings.style_strength, settings.closure_emphasis)
        place = (seconds + settings.lead_frames / self.kept.timing.fps) * self.solved.fps
        last = len(weight) - 1
        before, after = (np.clip(edge(place), 0, last).astype(int) for edge in (np.floor, np.ceil))
        shut: NDArray[np.bool_] = np.maximum(weight[before], weight[after]) > _SHUT_WEIGHT
        return shut

    def _face(self, settings: AdjustSettings) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Keys without what shuts the lids, jaw, and what shuts the lids."""
        values, jaw = self._blended(settings.style_strength)
        values, jaw, lids = self._scaled(values, jaw, settings)
        if not changes_motion(settings, besides=_APART):
            return values, jaw, lids
        values, jaw = self._smoothed(values, settings), self._smoothed(jaw, settings)
        if self.closures is not None:
            weight = self.closures.weight(settings.style_strength, settings.closure_emphasis)
            bounds = (self.regions.low, self.regions.high)
            values, jaw = self.closures.hold(values, jaw, weight, settings.closure_emphasis, bounds)
        values, jaw = self._led(values, jaw, settings.lead_frames)
        return values, jaw, lids

    def _blended(self, strength: float) -> tuple[FloatArray, FloatArray]:
        """Keys and jaw between the plain line (0) and the generated one (1), and on past it."""
        values, jaw = self.solved.key_values.astype(np.float64), self.solved.jaw.astype(np.float64)
        if self.plain is None or strength == 1.0:
            return values, jaw
        return (
            self.plain.key_values + strength * (values - self.plain.key_values),
            self.plain.jaw + strength * (jaw - self.plain.jaw),
        )

    def _scaled(
        self, values: FloatArray, jaw: FloatArray, settings: AdjustSettings
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Amounts of the parts. The lids come apart: a blink is neither smoothed nor brought forward."""
        regions = self.regions
        lids = regions.lid_part(values)
        if settings.blinks != 1.0:
            shut = regions.closure(values, lids)
            lids = lids * np.minimum(settings.blinks, np.maximum(1.0, 1.0 / np.maximum(shut, 1e-3)))[:, None]
        values = values - regions.lid_part(values)
        if settings.asymmetry != 1.0:
            values = values + 0.5 * (settings.asymmetry - 1.0) * (values - values @ regions.mirror)
            jaw = jaw * [1.0, settings.asymmetry, settings.asymmetry]
        below, above = min(1.0, 1.0 + settings.balance), min(1.0, 1.0 - settings.balance)
        amounts = (
            above * settings.brows * regions.upper
            + below * settings.mouth * regions.lips
            + below * settings.jaw * regions.jaw
        )
        return values @ amounts, below * settings.jaw * jaw, lids * above

    def _smoothed(self, values: FloatArray, settings: AdjustSettings) -> FloatArray:
        """A Gauss curve of this width at half height, the ends held."""
        deviation = settings.smoothing_ms / 1000.0 * self.solved.fps / _WIDTH
        if deviation < 0.05 or len(values) < 2:
            return values
        reach = max(1, round(3 * deviation))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
        kernel /= kernel.sum()
        padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
        total = np.zeros_like(values)
        for offset, weight in enumerate(kernel):
            total += weight * padded[offset : offset + len(values)]
        return total

    def _led(self, values: FloatArray, jaw: FloatArray, frames: float) -> tuple[FloatArray, FloatArray]:
        """The mouth's part some scene frames earlier."""
        if frames == 0.0:
            return values, jaw
        seconds = np.arange(len(values)) / self.solved.fps + frames / self.kept.timing.fps
        mouth = values - values @ self.regions.upper
        early = sample_monotone(np.concatenate([mouth, jaw], axis=1), self.solved.fps, seconds)
        return values - mouth + early[:, : values.shape[1]], early[:, values.shape[1] :]


def adjustable(kept: KeptMotion, solver: RigSolver) -> AdjustableLine:
    """Prepare a kept line whose motion is solved for this rig."""
    assert kept.solved is not None
    lips = find_lips(solver)
    closures = None if lips is None else make_hold(lips, kept.solved, kept.plain_solved)
    return AdjustableLine(kept, kept.solved, kept.plain_solved, make_regions(solver), closures)


def changes_motion(settings: AdjustSettings, besides: frozenset[str] = _EASES) -> bool:
    """Whether anything but these settings differs from a line as it was generated."""
    plain = AdjustSettings().values()
    return any(value != plain[name] for name, value in settings.values().items() if name not in besides)
