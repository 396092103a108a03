# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation retimed``: how true is s1's re-timed face, where the truth is known?

It is the ceiling of what a network can learn from :mod:`research.corpus.time_warped`: phones and times are given here.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS
from research.corpus.clips import Clip, free_scoring_clips, heldout_clips, known_talker_clips
from research.corpus.lip_prior import as_motion
from research.corpus.phones import aligned_phones, grid_transcript
from research.corpus.time_warped import RetimingSettings, retime, talker_inventory
from research.corpus.unit_selection import SILENCE, Inventory, PhoneSequence
from research.evaluation.accuracy import LONG_GRID_PEOPLE, ClipScore, TruthClip, score, truth
from research.evaluation.tables import Section, Table, number
from research.paths import DATA_ROOT

# as in training: see research/training/expression/train.py
PICTURE_DELAY_SECONDS = 0.03
CLOSED_PHONES = ("P", "B", "M")
CLOSED_SHARE = 0.1
MAX_CLIPS = 40


def same_triphone(target: PhoneSequence, units: PhoneSequence) -> NDArray[np.bool_]:
    """(N, U) units with the target's phone between the target's neighbours: what a new word mostly does not find."""
    same = (target.name[:, None] == units.name[None]) & (target.name != SILENCE)[:, None]
    same &= target.left[:, None] == units.left[None]
    return np.asarray(same & (target.right[:, None] == units.right[None]))


def closed_share(opening: NDArray[np.floating], target: PhoneSequence, names: Sequence[int]) -> tuple[int, int]:
    """Closed phones at which the mouth gets under a tenth of its range, and how many there are."""
    low, high = np.percentile(opening, [1, 99])
    met = total = 0
    for index in np.flatnonzero(np.isin(target.name, names)):
        first = max(int(target.start[index] * INTERNAL_FPS - 0.5), 0)
        part = opening[first : int(target.end[index] * INTERNAL_FPS + 1.5)]
        if len(part):
            total += 1
            met += bool(part.min() < low + CLOSED_SHARE * (high - low))
    return met, total


@dataclasses.dataclass(frozen=True, slots=True)
class RetimedScore:
    """Medians over a group's clips, and the share of m, b, p at which the lips meet (made, tracked)."""

    name: str
    clips: int
    correlation: float
    error_ratio: float
    amplitude_ratio: float
    closures: int
    closed_made: float
    closed_tracked: float


def score_group(name: str, clips: list[Clip], inventory: Inventory, new_words: bool, basis: FaceBasis) -> RetimedScore:
    """``new_words``: without the units whose phone and neighbours are the target's."""
    scores: list[ClipScore] = []
    made, tracked = np.zeros(2), np.zeros(2)
    for clip in clips[:MAX_CLIPS]:
        expected = truth(clip, basis)
        target = _target(expected)
        if target is None:
            continue
        forbidden = same_triphone(target, inventory.phones) if new_words else None
        frames = len(expected.displacement)
        motion = retime(target, inventory, basis, frames, RetimingSettings(), forbidden)
        displacement = basis.displacement(as_motion(motion, basis, INTERNAL_FPS))
        scores.append(score(expected, displacement, basis))
        made += closed_share(mouth_opening(basis.neutral + displacement), target, _closed_names())
        tracked += closed_share(mouth_opening(basis.neutral + expected.displacement), target, _closed_names())
    return RetimedScore(
        name=name,
        clips=len(scores),
        correlation=float(np.median([item.correlation for item in scores])),
        error_ratio=float(np.median([item.lip_error_mm / item.constant_error_mm for item in scores])),
        amplitude_ratio=float(np.median([item.amplitude_ratio for item in scores])),
        closures=int(made[1]),
        closed_made=float(made[0] / max(made[1], 1)),
        closed_tracked=float(tracked[0] / max(tracked[1], 1)),
    )


def _closed_names() -> list[int]:
    from core.models.speech.articulation import ARPABET

    return [ARPABET.index(name) for name in CLOSED_PHONES]


def _target(expected: TruthClip) -> PhoneSequence | None:
    clip = expected.clip
    words = grid_transcript(clip) if clip.group.startswith("grid") else None
    track = aligned_phones(clip.key, expected.speech, words)
    return None if track is None else PhoneSequence.of(track.phones)


def section(data: Path) -> Section:
    """The table."""
    basis = open_basis()
    inventory = talker_inventory(data, basis, PICTURE_DELAY_SECONDS, RetimingSettings())
    scores = [score_group(*group, basis) for group in _groups(data, inventory)]
    table = Table(
        "s1's face re-timed by unit selection, against the tracked truth (phones and times are given)",
        ("group", "clips", "corr", "error ratio", "amplitude", "m b p", "shut, made", "shut, tracked"),
        tuple(_row(item) for item in scores),
        "new words: without the units that have the same phone between the same neighbours. Correlation at the best "
        "lag within 2 frames; error: of that of the constant face.",
    )
    return Section("retimed", (table,), {"groups": [dataclasses.asdict(item) for item in scores]})


def _groups(data: Path, inventory: Inventory) -> list[tuple[str, list[Clip], Inventory, bool]]:
    own, heldout = known_talker_clips(data), heldout_clips(data)
    groups = [("s1, new sentences", own, inventory, False), ("s1, new words", own, inventory, True)]
    for person in LONG_GRID_PEOPLE:
        groups.append((f"GRID {person}", [clip for clip in heldout if clip.person == person], inventory, False))
    groups += [(clip.person, [clip], inventory, False) for clip in free_scoring_clips(data)]
    return groups


def _row(item: RetimedScore) -> tuple[str, ...]:
    figures = (item.correlation, item.error_ratio, item.amplitude_ratio)
    shares = (number(item.closed_made), number(item.closed_tracked))
    return (item.name, str(item.clips), *(number(value) for value in figures), str(item.closures), *shares)


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation retimed", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    arguments = parser.parse_args(argv)
    for table in section(arguments.data).tables:
        print(table.text())
    return 0
