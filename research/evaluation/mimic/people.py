# SPDX-License-Identifier: GPL-3.0-or-later
"""Held-out people for Mimic's benchmark, what a method does to them, and how that is scored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.motion import INTERNAL_FPS, Motion
from core.models.affine.likeness import fit_alone
from core.models.mimic.generate import MimicGenerator
from core.style.likeness import corrected_motion
from research.corpus.clips import free_scoring_clips, heldout_clips
from research.evaluation.accuracy import LONG_GRID_PEOPLE
from research.evaluation.personal import REFERENCE_SECONDS, Person, PersonPart, cut_part, part_of
from research.evaluation.style.benchmark import (
    Ruler,
    stretch_score,
    stretches,
    style_people,
)
from research.evaluation.style.distance import style_distance, style_statistics
from research.evaluation.style.tables import StretchScore

Speak = Callable[[Speech], Motion]
# a clip of fewer seconds than this is halved: one half shows the style, the other is spoken
HALVED_SECONDS = 15.0
# whose codes stand for "another person's", each
OTHERS = 6


class Listener:
    """Mimic that hears every speech only once, however many codes it is spoken with."""

    def __init__(self, mimic: MimicGenerator) -> None:
        self._mimic = mimic
        self._heard: dict[bytes, Tensor] = {}

    def speak(self, speech: Speech, code: NDArray[np.float32] | None) -> Motion:
        """:meth:`MimicGenerator.generate`."""
        key = hashlib.sha256(speech.samples.tobytes()).digest()
        if key not in self._heard:
            self._heard[key] = self._mimic.features(speech)
        return self._mimic.in_style(self._heard[key], code)

    def corrected(self, code: NDArray[np.float32], part: PersonPart) -> Speak:
        """Speech in the code and with what the person of this reference does otherwise, as the engine has it."""
        likeness = fit_alone(self.speak(speech_of(part), code), part.reference)
        return lambda speech: corrected_motion(self.speak(speech, code), [(likeness, 1.0)])


def code_of(mimic: MimicGenerator, part: PersonPart, heard: bool = True) -> NDArray[np.float32]:
    """(128,) of somebody's clip; with ``heard`` its own sound counts."""
    return mimic.style_code(part.reference.motion, part.reference.speech if heard else None)


@dataclass(frozen=True, slots=True)
class MimicRow:
    """One method on one person. own_distance: style distance to the person's own reference, mean over stretches;

    own_closer: as :meth:`Ruler.own_closer`. first_seconds: from tracked reference and speech to the first result.
    """

    person: str
    stretches: tuple[StretchScore, ...]
    own_distance: float
    own_closer: float
    first_seconds: float

    def mean(self, name: str) -> float:
        """Of a score over the stretches."""
        return float(np.mean([getattr(stretch, name) for stretch in self.stretches]))


def long_people(data: Path) -> list[Person]:
    """The style benchmark's people, and every other free clip: those with several clips or eight seconds and more."""
    people = style_people(data)
    known = {person.name for person in people}
    basis = open_basis()
    for clip in free_scoring_clips(data):
        if clip.person not in known:
            whole = part_of(clip, basis)
            people.append(halved(clip.person, whole))
    return people


def short_people(data: Path) -> list[Person]:
    """GRID people with a single clip of three seconds: half of it for the style."""
    clips = [clip for clip in heldout_clips(data) if clip.person not in LONG_GRID_PEOPLE]
    return [halved(clip.person, part_of(clip, open_basis())) for clip in clips]


def halved(name: str, whole: PersonPart) -> Person:
    """Ten seconds of a long clip, half of a short one, as reference; the rest to test."""
    frames = len(whole.reference.motion)
    long = frames > HALVED_SECONDS * INTERNAL_FPS
    cut = round(REFERENCE_SECONDS * INTERNAL_FPS) if long else frames // 2
    return Person(name, cut_part(whole, 0, cut), (cut_part(whole, cut, None),))


def others(person: str, people: Sequence[Person]) -> list[Person]:
    """The next ``OTHERS`` people in the list, round its end."""
    place = [other.name for other in people].index(person)
    turned = [*people[place + 1 :], *people[:place]]
    return turned[:OTHERS]


def score_person(person: Person, speak: Speak, ruler: Ruler, first_seconds: float) -> MimicRow:
    """Speak every test part and compare with what the person did."""
    basis = open_basis()
    scores, statistics = [], []
    for part in person.tests:
        shown = basis.displacement(speak(speech_of(part)))
        for piece, given in pieces(part, shown):
            scores.append(stretch_score(displacement(piece), given, basis))
            statistics.append(style_statistics(basis.neutral + given))
    own = ruler.gallery[person.name]
    distance = float(np.mean([style_distance(item, own, ruler.scale) for item in statistics]))
    return MimicRow(person.name, tuple(scores), distance, ruler.own_closer(person.name, statistics), first_seconds)


def joined(rows: Sequence[MimicRow]) -> MimicRow:
    """The same person under several codes as one row."""
    return MimicRow(
        person=rows[0].person,
        stretches=tuple(score for row in rows for score in row.stretches),
        own_distance=float(np.mean([row.own_distance for row in rows])),
        own_closer=float(np.mean([row.own_closer for row in rows])),
        first_seconds=rows[0].first_seconds,
    )


def pieces(part: PersonPart, shown: NDArray[np.float32]) -> list[tuple[PersonPart, NDArray[np.float32]]]:
    """Stretches of three seconds with what was shown (T, 478, 3) during each; a missing end holds still."""
    missing = max(len(part.reference.motion) - len(shown), 0)
    padded = np.concatenate([shown, np.repeat(shown[-1:], missing, axis=0)])
    cut, first = [], 0
    for piece in stretches(part):
        frames = len(piece.reference.motion)
        cut.append((piece, padded[first : first + frames]))
        first += frames
    return cut


def displacement(part: PersonPart) -> NDArray[np.float32]:
    """(T, 478, 3) cm, tracked, from the person's resting face."""
    return part.reference.landmarks - part.reference.neutral


def speech_of(part: PersonPart) -> Speech:
    """Its sound; all evaluation clips have one."""
    if part.reference.speech is None:
        raise ValueError(f"the part of {part.person} has no sound")
    return part.reference.speech
