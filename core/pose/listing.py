# SPDX-License-Identifier: GPL-3.0-or-later
"""The styles of a pose bank as an artist sees them: how far each head moves, how near it is. numpy only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..style.parts import PosePart
from ..weights import bundled
from .bank import BANK_FILE, BankEntry, PoseBank
from .statistics import STATISTICS
from .style_matrix import StyleMatrix

_NOD, _TURN, _TOGETHER = (STATISTICS.index(name) for name in ("spread x", "spread y", "xy"))
_EDGE_PIXELS = 1.5
_TICK_DEGREES, _TICK_SHARE, _AXIS_OPACITY = 2.0, 0.03, 0.55
# as research.assets names what it varies of a clip, and a clip's seconds at the end of its name
_VARIED = re.compile(r"(.*?)(?: \(([^()]*)\))?", re.DOTALL)
_LENGTH = re.compile(r"_[0-9]+s$")


@dataclass(frozen=True, slots=True)
class ListedPose:
    """A style of a bank. nod_degrees, turn_degrees: standard deviations. together: their correlation.

    distance: to the reference, infinite where that is not known.
    """

    name: str
    speaker: str
    provenance: str
    nod_degrees: float
    turn_degrees: float
    together: float
    distance: float


def list_poses(bank: Path | None, reference: PosePart | None) -> tuple[ListedPose, ...]:
    """Those of the bank file (None: the bundled one), nearest to the reference first.

    Raises :class:`ModelError` when the file is none or damaged.
    """
    loaded = PoseBank.load(bundled(BANK_FILE) if bank is None else bank)
    distances = np.full(len(loaded), np.inf)
    # numbers of another pose prior mean something else
    if reference is not None and (reference.unit_hash, reference.prior_hash) == (loaded.unit_hash, loaded.prior_hash):
        distances = loaded.distances(StyleMatrix(reference.matrix, reference.counts))
    listed = [_listed(entry, float(distance)) for entry, distance in zip(loaded.entries, distances, strict=True)]
    return tuple(sorted(listed, key=lambda pose: pose.distance))


def _listed(entry: BankEntry, distance: float) -> ListedPose:
    nod, turn = np.exp(entry.statistics[[_NOD, _TURN]])
    together = float(entry.statistics[_TOGETHER])
    return ListedPose(entry.name, entry.speaker, entry.provenance, float(nod), float(turn), together, distance)


def short_name(name: str) -> str:
    """A pose style's name for a narrow list: without the clip's length, its variation in few letters.

    "obama_diwali_30s (amplitude 0.75)" becomes "obama diwali ×0.75"; names of another form stay.
    """
    base, variation = _VARIED.fullmatch(name).groups()  # type: ignore[union-attr]
    words = _LENGTH.sub("", base).replace("_", " ")
    return f"{words} {variation.replace('amplitude ', '×')}" if variation else words


def reach_picture(
    nod_degrees: float, turn_degrees: float, together: float, pixels: int, degrees: float
) -> NDArray[np.float32]:
    """(pixels, pixels) 0..1: the ellipse that the head's aim fills, turn to the right, nod upwards.

    Its half axes are one standard deviation, tilted by the correlation; ``degrees`` is the picture's half width.
    """
    covariance = together * nod_degrees * turn_degrees
    matrix = np.array([[turn_degrees**2, covariance], [covariance, nod_degrees**2]]) + 1e-3 * np.eye(2)
    line = (np.arange(pixels) + 0.5 - pixels / 2) * 2 * degrees / pixels
    aim = np.stack(np.meshgrid(line, line), axis=-1)
    far = np.sqrt(np.einsum("yxi,ij,yxj->yx", aim, np.linalg.inv(matrix), aim))
    step = 2 * degrees / pixels / max(float(np.sqrt(np.linalg.eigvalsh(matrix)[0])), 1e-3)
    return np.clip((1.0 - far) / (step * _EDGE_PIXELS) + 0.5, 0.0, 1.0).astype(np.float32)


def reach_axes(pixels: int, degrees: float) -> NDArray[np.float32]:
    """(pixels, pixels) 0..1: the axes of :func:`reach_picture`, with a tick every two degrees."""
    axes = np.zeros((pixels, pixels), np.float32)
    middle, tick = pixels // 2, max(round(_TICK_SHARE * pixels), 1)
    axes[middle, :] = axes[:, middle] = _AXIS_OPACITY
    for step in np.arange(-degrees, degrees, _TICK_DEGREES):
        place = round((step + degrees) / (2 * degrees) * pixels)
        axes[middle - tick : middle + tick + 1, place] = axes[place, middle - tick : middle + tick + 1] = _AXIS_OPACITY
    return axes
