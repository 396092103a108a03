# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a person's motion as people of another manner would have moved: same words, known style parameters.

Real people in the training data are few. A copy has its regions scaled, its jaw and lips sharing the opening
differently, one side ahead of the other, brows that follow the speech, and so on. Everything is linear in the 53
values but the lips' gap, which is set exactly, so that lips that touch stay touching. Source: ours (issue D).
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis, open_basis
from core.face.closures import SHUT_CM, closedness, gap_of_vectors
from core.face.jaw import JAW_RANGE_RADIANS
from core.face.motion import EXPRESSION_SIZE, MOTION_SIZE
from core.face.region_chart import (
    BROW_SIDE,
    BROWS,
    CORNER_SIDE,
    CORNER_TILT,
    JAW,
    LIDS,
    OPENING,
    ROUNDING,
    WIDTH,
    RegionChart,
    region_chart,
)
from core.face.rotations import FloatArray

# lids are never brought closer than this
_LID_REST_CM = 0.05
# the lips' gap is not quite linear in jaw and lips: steps until it is what was asked for
_ROUNDS = 2
# frames: what "smoothed" means for articulation effort, and the slow envelope that brows follow
_EFFORT_SIGMA = 1.5
_ENVELOPE_SIGMA = 6.0


@dataclass(frozen=True, slots=True)
class StyleParameters:
    """How a copy differs from its source; the defaults change nothing.

    Gains multiply a region's movement away from the resting face. ``jaw_share`` multiplies the jaw's angle at equal
    opening (the lips do the rest). ``asymmetry`` a makes the left mouth corner and brow move (1 + a) times and the
    right (1 - a). ``spreading`` and ``brow_activity``: centimetres of mouth width and brow height for each centimetre
    of opening (the brows follow its slow envelope). ``smoothing``: 0 keeps, towards 1 a lazy mouth, below 0 a
    crisper one. Offsets move the resting face, in centimetres.
    """

    opening_gain: float = 1.0
    width_gain: float = 1.0
    rounding_gain: float = 1.0
    brow_gain: float = 1.0
    lid_gain: float = 1.0
    jaw_share: float = 1.0
    asymmetry: float = 0.0
    spreading: float = 0.0
    brow_activity: float = 0.0
    smoothing: float = 0.0
    width_offset: float = 0.0
    rounding_offset: float = 0.0
    brow_offset: float = 0.0
    lid_offset: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(astuple(self)).all():
            raise ValueError(f"style parameters must be finite, got {self}")
        if min(self.opening_gain, self.width_gain, self.rounding_gain, self.jaw_share) < 0:
            raise ValueError(f"gains must not be negative, got {self}")
        if abs(self.asymmetry) > 1 or not -1 <= self.smoothing <= 1:
            raise ValueError(f"asymmetry and smoothing lie within -1 .. 1, got {self.asymmetry} and {self.smoothing}")


def draw_parameters(rng: np.random.Generator, amount: float = 1.0) -> StyleParameters:
    """Random parameters; ``amount`` scales how far they go, 0 gives the identity.

    Spreads follow what the benchmark's people show beside each other: openings within a factor of two, brows and
    jaw share wider, resting faces within a few millimetres.
    """

    def gain(spread: float) -> float:
        return float(np.exp(amount * spread * np.clip(rng.standard_normal(), -2, 2)))

    def shift(spread: float) -> float:
        return float(amount * spread * np.clip(rng.standard_normal(), -2, 2))

    return StyleParameters(
        opening_gain=gain(0.28),
        width_gain=gain(0.3),
        rounding_gain=gain(0.35),
        brow_gain=gain(0.5),
        lid_gain=gain(0.2),
        jaw_share=gain(0.4),
        asymmetry=shift(0.12),
        spreading=shift(0.12),
        brow_activity=max(shift(0.12), 0.0),
        smoothing=float(np.clip(shift(0.25), -0.4, 0.7)),
        width_offset=shift(0.1),
        rounding_offset=shift(0.06),
        brow_offset=shift(0.08),
        lid_offset=shift(0.03),
    )


def vary(motion: FloatArray, parameters: StyleParameters, basis: FaceBasis | None = None) -> NDArray[np.float32]:
    """A copy of (T, 53) motion in the open basis (25 fps) with ``parameters``; identity gives the input exactly."""
    source = np.asarray(motion, np.float32)
    if source.ndim != 2 or source.shape[1] != MOTION_SIZE:
        raise ValueError(f"motion has shape {source.shape}, expected (T, {MOTION_SIZE})")
    if parameters == StyleParameters():
        return source.copy()
    chart = region_chart(open_basis() if basis is None else basis)
    original = source.astype(np.float64)
    effort = _with_effort(original, parameters.smoothing)
    styled = effort + (_wanted(effort, parameters, chart) - effort @ chart.signals) @ chart.directions
    styled = _with_gap(styled, _wanted_gap(original, effort, parameters.opening_gain, chart), chart)
    styled[:, EXPRESSION_SIZE] = np.clip(styled[:, EXPRESSION_SIZE], *JAW_RANGE_RADIANS)
    return styled.astype(np.float32)


def _wanted(effort: NDArray[np.float64], parameters: StyleParameters, chart: RegionChart) -> NDArray[np.float64]:
    """(T, 9) signals of the copy."""
    signals = effort @ chart.signals
    wanted = signals.copy()
    opening = np.maximum(signals[:, OPENING], 0.0)
    wanted[:, OPENING] *= parameters.opening_gain
    wanted[:, JAW] *= parameters.opening_gain * parameters.jaw_share
    wanted[:, WIDTH] *= parameters.width_gain
    wanted[:, ROUNDING] *= parameters.rounding_gain
    wanted[:, BROWS] *= parameters.brow_gain
    wanted[:, CORNER_SIDE] *= parameters.width_gain
    wanted[:, BROW_SIDE] *= parameters.brow_gain
    wanted[:, WIDTH] += parameters.spreading * opening
    wanted[:, BROWS] += parameters.brow_activity * smoothed(opening, _ENVELOPE_SIGMA)
    # left (1 + a), right (1 - a): their difference is twice a of the mean; the corners' sum is a of the width
    wanted[:, CORNER_SIDE] += parameters.asymmetry * wanted[:, WIDTH]
    wanted[:, CORNER_TILT] += 2 * parameters.asymmetry * (effort @ chart.corner_height)
    wanted[:, BROW_SIDE] += 2 * parameters.asymmetry * wanted[:, BROWS]
    wanted[:, WIDTH] += parameters.width_offset
    wanted[:, ROUNDING] += parameters.rounding_offset
    wanted[:, BROWS] += parameters.brow_offset
    lids = parameters.lid_gain * signals[:, LIDS] + parameters.lid_offset
    shut = np.minimum(signals[:, LIDS], _LID_REST_CM - chart.lid_gap_cm)
    wanted[:, LIDS] = np.maximum(lids, shut)
    return wanted


def _wanted_gap(
    original: NDArray[np.float64], effort: NDArray[np.float64], gain: float, chart: RegionChart
) -> NDArray[np.float64]:
    """(T,) gap of the copy in cm: the source's own where that is shut, scaled above it."""
    own = gap_of_vectors(chart.basis, original)
    shut = closedness(own)
    gap = shut * own + (1 - shut) * gap_of_vectors(chart.basis, effort)
    wanted: NDArray[np.float64] = np.where(gap > SHUT_CM, SHUT_CM + gain * (gap - SHUT_CM), gap)
    return wanted


def _with_gap(styled: NDArray[np.float64], wanted: NDArray[np.float64], chart: RegionChart) -> NDArray[np.float64]:
    for _ in range(_ROUNDS):
        missing = wanted - gap_of_vectors(chart.basis, styled)
        styled = styled + np.outer(missing, chart.directions[OPENING])
    return styled


def _with_effort(motion: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    return motion if smoothing == 0 else (1 - smoothing) * motion + smoothing * smoothed(motion, _EFFORT_SIGMA)


def smoothed(values: NDArray[np.float64], sigma_frames: float) -> NDArray[np.float64]:
    """Gaussian average along axis 0; the ends are repeated, so a constant stays constant."""
    reach = int(np.ceil(3 * sigma_frames))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_frames) ** 2)
    padded = np.concatenate([np.repeat(values[:1], reach, 0), values, np.repeat(values[-1:], reach, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=0)
    averaged: NDArray[np.float64] = windows @ (kernel / kernel.sum())
    return averaged
