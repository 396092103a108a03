# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation.people``: is the same person seen, and which of two speaks?

Both limits (``core.tracking.looks``, ``core.tracking.speaker``) are chosen on the people who may be trained on; the
rows of the others say what they are worth. Two clips are put beside each other by their tracks: no picture is made.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.engine.loaded import loaded_models
from core.engine.style_extraction import NeutralSpeaker
from core.face.basis import open_basis
from core.face.closures import lip_gap
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS
from core.tracking.align import align, uniform_landmarks
from core.tracking.looks import SAME_PERSON_LIMIT, upper_shapes
from core.tracking.speaker import CLEAR_MARGIN, lips_agreement, score_of
from research.corpus.clips import Clip, all_clips, load_tracked
from research.evaluation.tables import Table

# of one person, so that the thousand clips of s1 are not all there is
CLIPS = 6
# under two names in the corpus
_SAME = {"s4_hd": "s4"}
_SECONDS = (2.8, 8.0)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """shape: of the upper face; opening, expected: (T,) of the mouth, and as the sound has it, at 25 fps."""

    person: str
    trained: bool
    shape: NDArray[np.float64]
    opening: NDArray[np.float64]
    expected: NDArray[np.float64]


def main() -> None:
    """Print both tables."""
    seen = [look_at(clip) for clip in chosen_clips()]
    identity, speaking = [], []
    for name, trained in (("may be trained on", True), ("others", False)):
        group = [one for one in seen if one.trained == trained]
        identity.append((name, *identity_row(group)))
        speaking += [(name, f"{seconds:g}", *speaking_row(group, seconds)) for seconds in _SECONDS]
    same = Table(
        "Same person?", ("people", "pairs of one", "called two", "pairs of two", "called one"), tuple(identity)
    )
    columns = ("people", "seconds", "pairs", "right", "asked", "wrong though not asked")
    talking = Table("Which of two speaks, both talking?", columns, tuple(speaking))
    print(same.text(), talking.text(), sep="\n\n")


def chosen_clips() -> list[Clip]:
    """At most :data:`CLIPS` of everybody, always the same."""
    found: dict[tuple[str, str], list[Clip]] = {}
    for clip in all_clips():
        found.setdefault((clip.group, clip.person), []).append(clip)
    return [clip for clips in found.values() for clip in random.Random(4).sample(clips, min(CLIPS, len(clips)))]


def look_at(clip: Clip) -> Seen:
    """From the cached track."""
    tracked = load_tracked(clip)
    basis = open_basis()
    uniform = uniform_landmarks(tracked.track, INTERNAL_FPS)
    free = align(uniform.landmarks, basis.neutral).landmarks
    expected = lip_gap(basis, NeutralSpeaker(loaded_models()).generate(tracked.speech))
    frames = min(len(free), len(expected))
    trained = "heldout" not in clip.group and "eval" not in clip.group
    shape = np.median(upper_shapes(free), axis=0)
    opening = np.asarray(mouth_opening(free[:frames]), np.float64)
    return Seen(_SAME.get(clip.person, clip.person), trained, shape, opening, np.asarray(expected[:frames]))


def identity_row(seen: list[Seen]) -> list[str]:
    """Pairs of clips of one and of two people, and the share that is called otherwise."""
    apart: dict[bool, list[bool]] = {True: [], False: []}
    for a, b in itertools.combinations(seen, 2):
        distance = float(np.sqrt(((a.shape - b.shape) ** 2).sum(axis=1).mean()))
        apart[a.person == b.person].append(distance > SAME_PERSON_LIMIT)
    one, two = np.array(apart[True]), np.array(apart[False])
    return [str(len(one)), f"{one.mean():.1%}", str(len(two)), f"{(~two).mean():.1%}"]


def speaking_row(seen: list[Seen], seconds: float) -> list[str]:
    """Everybody beside everybody, both talking, with the sound of the first."""
    frames = round(seconds * INTERNAL_FPS)
    people: dict[str, list[Seen]] = {}
    for one in seen:
        people.setdefault(one.person, []).append(one)
    joined = {
        name: (np.concatenate([c.opening for c in clips]), np.concatenate([c.expected for c in clips]))
        for name, clips in people.items()
    }
    able = [name for name, (opening, _) in joined.items() if len(opening) >= frames]
    margins = []
    for speaks, other in itertools.permutations(able, 2):
        sound = joined[speaks][1][:frames]
        scores = [score_of(lips_agreement(joined[name][0][:frames], sound)[1], seconds) for name in (speaks, other)]
        margins.append(scores[0] - scores[1])
    margin = np.array(margins)
    asked = np.abs(margin) < CLEAR_MARGIN
    wrong = (margin < 0) & ~asked
    return [str(len(margin)), f"{(margin > 0).mean():.1%}", f"{asked.mean():.1%}", f"{wrong.mean():.1%}"]


if __name__ == "__main__":
    main()
