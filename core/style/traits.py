# SPDX-License-Identifier: GPL-3.0-or-later
"""Traits: a few plain numbers that tell how a person moves beside the average, and amounts that change them.

The amounts are kept with a style; they act on the motion that its networks make.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.basis import FaceBasis, open_basis
from ..face.blink_events import find_blinks
from ..face.closures import keep_closures, lip_gap
from ..face.jaw import JAW_RANGE_RADIANS
from ..face.motion import EXPRESSION_SIZE, Motion
from ..face.region_chart import (
    BROW_SIDE,
    BROWS,
    CORNER_SIDE,
    CORNER_TILT,
    JAW,
    LIDS,
    OPENING,
    ROUNDING,
    RegionChart,
    region_chart,
)
from ..trait_settings import LIMITS, TraitAmounts
from .style import Style

PART = "traits"
# a nod is a turn downwards and back of at least so much within so long
_NOD_RADIANS = 0.035
_NOD_SECONDS = 1.0
_SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What is seen of a person in a motion.

    opening, rounding, brows: standard deviation over time in cm (mouth, lips forwards, brows up). asymmetry: root
    mean square in cm of what left and right of the mouth do differently. blinks, nods: per minute.
    """

    opening: float
    rounding: float
    brows: float
    asymmetry: float
    blinks: float
    nods: float


TRAIT_NAMES: tuple[str, ...] = tuple(item.name for item in dataclasses.fields(Traits))


def measure_traits(motion: Motion) -> Traits:
    """The traits of a motion. Raises :class:`ModelError` for one of another basis."""
    basis = open_basis()
    motion.require_basis(basis.hash)
    chart = region_chart(basis)
    signals = motion.face_vector() @ chart.signals
    lids = chart.lid_gap_cm + signals[:, LIDS]
    minutes = max(motion.seconds, 1e-6) / 60.0
    sides = signals[:, [CORNER_SIDE, CORNER_TILT]]
    return Traits(
        opening=float(lip_gap(basis, motion).std()),
        rounding=float(signals[:, ROUNDING].std()),
        brows=float(signals[:, BROWS].std()),
        asymmetry=float(np.sqrt((sides**2).mean())),
        blinks=len(find_blinks(lids, np.ones(len(motion), bool), motion.fps)) / minutes,
        nods=_count_nods(motion.head[:, 0].astype(np.float64), motion.fps) / minutes,
    )


def with_amounts(motion: Motion, amounts: TraitAmounts) -> Motion:
    """The motion with its traits changed; lips that meet go on meeting, and rest stays rest.

    The rate of blinks is no matter of the motion but of :class:`core.style.parts.EyesPart`: see :func:`with_blinks`.
    """
    if dataclasses.replace(amounts, blinks=1.0) == TraitAmounts() or not len(motion):
        return motion
    basis = open_basis()
    motion.require_basis(basis.hash)
    face = _with_face_amounts(motion, amounts, region_chart(basis), basis)
    if amounts.nods == 1.0:
        return face
    head = motion.head.copy()
    pitch = head[:, 0].astype(np.float64)
    head[:, 0] = pitch + (amounts.nods - 1.0) * (pitch - _slow(pitch, motion.fps))
    return face.replace(head=head)


def style_amounts(style: Style | None) -> TraitAmounts:
    """The amounts that are kept with a style; none without it."""
    part = style.engine_parts.get(PART) if style is not None else None
    return TraitAmounts.from_json(part.values.get("amounts", {}), lenient=True) if part is not None else TraitAmounts()


def style_measures(style: Style) -> dict[str, Traits]:
    """What was measured of the style: "person", and "average" for the mean speaker; empty where nothing was."""
    part = style.engine_parts.get(PART)
    found = part.values.get("measured", {}) if part is not None else {}
    return {
        name: Traits(**{trait: float(values[trait]) for trait in TRAIT_NAMES})
        for name, values in found.items()
        if all(trait in values for trait in TRAIT_NAMES)
    }


def with_traits(style: Style, amounts: TraitAmounts, measured: Mapping[str, Traits] | None = None) -> Style:
    """The style with other amounts, and what was measured of it; None keeps earlier measures."""
    from .parts import EnginePart

    known = style_measures(style) if measured is None else measured
    values = {
        "amounts": amounts.to_json(),
        "measured": {name: dataclasses.asdict(traits) for name, traits in known.items()},
    }
    return style.with_part(PART, EnginePart("", values=values))


def amounts_like(own: Traits, other: Traits, names: tuple[str, ...] = TRAIT_NAMES) -> TraitAmounts:
    """The amounts that bring the named traits of one person to another's, as far as the limits allow."""
    found = {}
    for name in names:
        mine, wanted = float(getattr(own, name)), float(getattr(other, name))
        found[name] = float(np.clip(wanted / mine, *LIMITS)) if mine > 1e-6 else 1.0
    return TraitAmounts(**found)


def with_blinks(style: Style | None, amounts: TraitAmounts) -> Style | None:
    """The style whose eyes blink as much more often as the amounts say."""
    if style is None or style.eyes is None or amounts.blinks == 1.0:
        return style
    eyes = dataclasses.replace(style.eyes, blinks_per_minute=style.eyes.blinks_per_minute * amounts.blinks)
    return dataclasses.replace(style, eyes=eyes)


def _with_face_amounts(motion: Motion, amounts: TraitAmounts, chart: RegionChart, basis: FaceBasis) -> Motion:
    vector = motion.face_vector().astype(np.float64)
    signals = vector @ chart.signals
    change = np.zeros_like(signals)
    # about the shut mouth, so that rest stays rest; the others about where they mostly are
    for signal in (OPENING, JAW):
        change[:, signal] = (amounts.opening - 1.0) * signals[:, signal]
    for signal, amount in ((ROUNDING, amounts.rounding), (BROWS, amounts.brows)):
        change[:, signal] = (amount - 1.0) * (signals[:, signal] - np.median(signals[:, signal]))
    for signal in (CORNER_SIDE, CORNER_TILT, BROW_SIDE):
        change[:, signal] = (amounts.asymmetry - 1.0) * signals[:, signal]
    vector = (vector + change @ chart.directions).astype(np.float32)
    moved = motion.replace(expression=vector[:, :EXPRESSION_SIZE], jaw=vector[:, EXPRESSION_SIZE:])
    moved = keep_closures(motion, moved, basis)
    jaw = moved.jaw.copy()
    jaw[:, 0] = np.clip(jaw[:, 0], *JAW_RANGE_RADIANS)
    return moved.replace(jaw=jaw)


def _slow(values: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    half = max(round(_SLOW_SECONDS * fps / 2), 1)
    padded = np.pad(values, half, mode="edge")
    window = np.ones(2 * half + 1) / (2 * half + 1)
    return np.convolve(padded, window, mode="valid")


def _count_nods(pitch: NDArray[np.float64], fps: float) -> int:
    """Turns down and back by the least angle within the longest time, none counted twice."""
    if len(pitch) < 3:
        return 0
    fast = pitch - _slow(pitch, fps)
    reach = round(_NOD_SECONDS * fps)
    peaks = np.flatnonzero((fast[1:-1] > fast[:-2]) & (fast[1:-1] >= fast[2:])) + 1
    count, free = 0, 0
    for peak in peaks:
        before, after = fast[max(peak - reach, free) : peak + 1], fast[peak : peak + reach]
        if peak >= free and min(fast[peak] - before.min(), fast[peak] - after.min()) >= _NOD_RADIANS:
            count += 1
            free = peak + 1
    return count
