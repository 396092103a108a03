# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the shipped bank: every person as they are, and in a few known variations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from research.training.pose.data import PoseClip, Variation, varied

LIVELY_VARIATIONS = (
    Variation(),
    Variation(amplitude=0.5),
    Variation(amplitude=0.75),
    Variation(amplitude=1.4),
    Variation(amplitude=2.0),
    Variation(tempo=0.85),
    Variation(tempo=1.2),
    Variation(mirrored=True),
    Variation(nod_radians=float(np.radians(3.0))),
)
# a shorter clip says too little of a manner by itself
ALONE_SECONDS = 8.0
# heads that were held still to be filmed: as they are, and as if they had not been
CALM_VARIATIONS = (Variation(), Variation(amplitude=2.0), Variation(amplitude=3.5))


@dataclass(frozen=True, slots=True, eq=False)
class PoseStyle:
    """One person in one manner. source: recording and licence. clips: varied recordings."""

    name: str
    person: str
    source: str
    variation: Variation
    clips: tuple[PoseClip, ...]


def make_styles(clips: Sequence[PoseClip]) -> list[PoseStyle]:
    """Every long lively clip by itself, a lively person's short ones together, and every calm talker's sentences."""
    lively = [clip for clip in clips if clip.lively]
    groups = [[clip] for clip in lively if clip.seconds >= ALONE_SECONDS]
    for person in sorted({clip.person for clip in lively}):
        short = [clip for clip in lively if clip.person == person and clip.seconds < ALONE_SECONDS]
        groups += [short] if short else []
    styles = [make_style(group, manner) for group in groups for manner in LIVELY_VARIATIONS]
    calm = [clip for clip in clips if not clip.lively]
    for person in sorted({clip.person for clip in calm}):
        own = [clip for clip in calm if clip.person == person]
        styles += [make_style(own, manner) for manner in CALM_VARIATIONS]
    return styles


def make_style(group: Sequence[PoseClip], variation: Variation) -> PoseStyle:
    """The clips of one person in one manner."""
    first, described = group[0], variation.describe()
    base = first.name if first.lively and len(group) == 1 else first.person
    return PoseStyle(
        name=f"{base} ({described})" if described else base,
        person=first.person,
        source=f"{first.source}; varied: {described}" if described else first.source,
        variation=variation,
        clips=tuple(varied(clip, variation) for clip in group),
    )
