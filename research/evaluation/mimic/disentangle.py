# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether style and content are apart: linear probes of the person, codes of two stretches, and swapped styles."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.closures import SHUT_CM, lip_gap
from core.face.motion import Motion
from core.face.rotations import FloatArray
from core.models.mimic.generate import MimicGenerator
from core.models.speech.articulation import ARPABET
from core.models.speech.phonetic import PhoneticEncoder
from research.evaluation.closures import closures
from research.evaluation.mimic.people import Listener, code_of, displacement, others, speech_of
from research.evaluation.personal import Person, PersonPart
from research.evaluation.regions import REGIONS, region_signals
from research.evaluation.style.benchmark import stretches
from research.training.mimic.loss import swings

WORDS = "phones heard, counted"
CONTENTS = ("motion content", "speech content")
# beside a content's time-mean the mean of its sizes
WITH_SIZES = tuple(f"{content}, sizes too" for content in CONTENTS)
SPACES = ("style code", *CONTENTS, *WITH_SIZES, WORDS)
# people whose amplitudes differ less than this share are alike: a swap has nowhere to go
_ALIKE = 0.1
# ridge of the probe on standardised inputs, per sample; folds of the cross-validation
_RIDGE = 0.1
_FOLDS = 5
CLOSURE_TOLERANCE_FRAMES = 1


@dataclass(frozen=True, slots=True)
class Probe:
    """Balanced accuracy of a linear reader of the person, on stretches that it was not fitted on."""

    space: str
    accuracy: float
    chance: float
    people: int
    stretches: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cosines of style codes (less the mean code) of two stretches, of one person and of two.

    own_closer: share of (stretch, own stretch, other's stretch) in which the own one is nearer.
    """

    within: float
    across: float
    own_closer: float


@dataclass(frozen=True, slots=True)
class Movement:
    """What another's style code does to a region's amplitude (deviation over time).

    towards: of the (pair, region) in which two people's amplitudes differ by a tenth or more, the share in which the
    generated amplitude goes from the one's towards the other's; overall: the same over all regions. nearer: share of
    all in which it ends nearer to the new person's; motion that is too small (or large) for everybody keeps that at a
    half. follows: how much of a difference between people is made (slope of the logarithms through 0).
    """

    towards: dict[str, float]
    overall: float
    nearer: float
    follows: dict[str, float]

    @classmethod
    def of(cls, wanted: FloatArray, given: FloatArray, missing: FloatArray) -> Movement:
        """From log amplitudes (pairs, regions): how people differ, what a swap changed, what it had to."""
        differ = np.abs(wanted) >= np.log1p(_ALIKE)
        right = np.where(differ, wanted * given > 0, np.nan)
        slopes = (wanted * given).sum(axis=0) / np.maximum((wanted**2).sum(axis=0), 1e-12)
        return cls(
            towards=dict(zip(REGIONS, np.nanmean(right, axis=0).tolist(), strict=True)),
            overall=float(np.nanmean(right)),
            nearer=float((np.abs(missing - given) < np.abs(missing)).mean()),
            follows=dict(zip(REGIONS, slopes.tolist(), strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Swap:
    """One person's speech in others' styles; closures_kept: F1 of closures with own and new code, within one frame."""

    movement: Movement
    pairs: int
    closures: int
    closures_kept: float


@dataclass(frozen=True, slots=True)
class Disentanglement:
    """All three."""

    probes: tuple[Probe, ...]
    agreement: Agreement
    swap: Swap


def disentanglement(mimic: MimicGenerator, people: Sequence[Person]) -> Disentanglement:
    """On people with several stretches of three seconds."""
    several = [person for person in people if len(person_stretches(person)) >= 2]
    codes = embedded(mimic, several)
    probes = tuple(probe(space, codes[space]) for space in SPACES)
    mean = mimic.mean_code
    agreement = code_agreement({name: own - mean for name, own in codes[SPACES[0]].items()})
    return Disentanglement(probes, agreement, swapped(mimic, several))


def person_stretches(person: Person) -> list[PersonPart]:
    """Everything there is of somebody, in pieces of about three seconds."""
    return [piece for part in (person.reference, *person.tests) for piece in stretches(part)]


def embedded(mimic: MimicGenerator, people: Sequence[Person]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Space -> man -> (stretches, size).

    Style codes; the time-means of both contents, alone and beside the means of their sizes (a harder test: an instance
    norm leaves nothing in the first); phones' shares, which say what a reader could tell from the words alone.
    """
    found: dict[str, dict[str, list[NDArray]]] = {space: {} for space in SPACES}
    phonetic = PhoneticEncoder.load()
    for person in people:
        man = person.name
        for piece in person_stretches(person):
            seen, heard = _content_means(mimic, piece)
            code, words = code_of(mimic, piece), phone_shares(phonetic, speech_of(piece))
            width = len(seen) // 2
            vectors: tuple[FloatArray, ...] = (code, seen[:width], heard[:width], seen, heard, words)
            for space, vector in zip(SPACES, vectors, strict=True):
                found[space].setdefault(man, []).append(vector)
    return {space: {man: np.stack(own) for man, own in men.items()} for space, men in found.items()}


def _content_means(mimic: MimicGenerator, piece: PersonPart) -> list[NDArray[np.float32]]:
    """(2 W,) of motion and of speech: time-means of content and of its sizes."""
    network = mimic.network
    motion = torch.from_numpy(piece.reference.motion.face_vector())[None]
    features = torch.from_numpy(mimic.encoder.encode(speech_of(piece)))[None]
    with torch.inference_mode():
        contents = network.motion_content(network.coordinates(motion)), network.speech_content(features)
        return [swings(content).mean(dim=1)[0].numpy() for content in contents]


def phone_shares(phonetic: PhoneticEncoder, speech: Speech) -> NDArray[np.float64]:
    """(40,) share of the frames whose likeliest phone is each, silence among them: nothing of how they sound."""
    bottleneck = torch.from_numpy(phonetic.encode(speech)[:, : phonetic.network.config.bottleneck])
    with torch.inference_mode():
        phones = phonetic.network.phones(bottleneck).argmax(dim=1).numpy()
    shares: NDArray[np.float64] = np.bincount(phones, minlength=len(ARPABET)) / len(phones)
    return shares


def probe(space: str, vectors: dict[str, NDArray[np.floating]]) -> Probe:
    """Ridge regression to one-hot people, every person weighing the same, on folds held out in turn."""
    names = sorted(vectors)
    table = np.concatenate([np.asarray(vectors[name], np.float64) for name in names])
    owner = np.repeat(np.arange(len(names)), [len(vectors[name]) for name in names])
    fold = np.concatenate([np.arange(len(vectors[name])) % _FOLDS for name in names])
    guessed = np.full(len(owner), -1)
    for held in range(_FOLDS):
        test = fold == held
        guessed[test] = _read(table[~test], owner[~test], table[test], len(names))
    hits = [float((guessed[owner == index] == index).mean()) for index in range(len(names))]
    return Probe(space, float(np.mean(hits)), 1 / len(names), len(names), len(owner))


def _read(known: FloatArray, owner: NDArray[np.integer], unknown: FloatArray, people: int) -> NDArray[np.intp]:
    mean, deviation = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-9)
    rows = np.column_stack([(known - mean) / deviation, np.ones(len(known))])
    weight = 1.0 / np.bincount(owner, minlength=people)[owner]
    gram = (rows * weight[:, None]).T @ rows + _RIDGE * weight.sum() * np.eye(rows.shape[1])
    reader = np.linalg.solve(gram, (rows * weight[:, None]).T @ np.eye(people)[owner])
    asked = np.column_stack([(unknown - mean) / deviation, np.ones(len(unknown))])
    answer: NDArray[np.intp] = (asked @ reader).argmax(axis=1)
    return answer


def code_agreement(codes: dict[str, NDArray[np.floating]]) -> Agreement:
    """codes: man -> (stretches, 128), the mean code taken away; every man counts the same."""
    unit = {man: own / np.linalg.norm(own, axis=1, keepdims=True) for man, own in codes.items()}
    within, across, closer = [], [], []
    for man, own in unit.items():
        alike = own @ own.T
        apart = np.concatenate([own @ other.T for name, other in unit.items() if name != man], axis=1)
        pairs = ~np.eye(len(own), dtype=bool)
        within.append(float(alike[pairs].mean()))
        across.append(float(apart.mean()))
        closer.append(np.mean([(alike[i][pairs[i]][:, None] > apart[i][None]).mean() for i in range(len(own))]))
    return Agreement(float(np.mean(within)), float(np.mean(across)), float(np.mean(closer)))


def swapped(mimic: MimicGenerator, people: Sequence[Person]) -> Swap:
    """Everybody's test speech in the styles of :func:`others` against their own."""
    listener = Listener(mimic)
    codes = {person.name: code_of(mimic, person.reference) for person in people}
    amplitude = {person.name: np.log(_true_amplitude(person)) for person in people}
    wanted, given, missing = [], [], []
    matched, total, count = 0, 0, 0
    for person in people:
        own = [listener.speak(speech_of(part), codes[person.name]) for part in person.tests]
        own_size = np.log(_amplitude(own))
        for other in others(person.name, people):
            new = [listener.speak(speech_of(part), codes[other.name]) for part in person.tests]
            wanted.append(amplitude[other.name] - amplitude[person.name])
            given.append(np.log(_amplitude(new)) - own_size)
            missing.append(amplitude[other.name] - own_size)
            for first, second in zip(own, new, strict=True):
                kept = kept_closures(first, second)
                matched, total, count = matched + kept[0], total + kept[1], count + kept[2]
    movement = Movement.of(np.array(wanted), np.array(given), np.array(missing))
    return Swap(movement, pairs=len(given), closures=count, closures_kept=matched / total if total else 1.0)


def kept_closures(first: Motion, second: Motion) -> tuple[int, int, int]:
    """Closures of either motion that the other has within a frame, closures of both together, and of the first."""
    found = [closures(lip_gap(open_basis(), motion), SHUT_CM) for motion in (first, second)]
    matched = 0
    for here, there in itertools.permutations(found):
        for closure in here:
            matched += any(
                other.first - CLOSURE_TOLERANCE_FRAMES <= closure.last
                and closure.first <= other.last + CLOSURE_TOLERANCE_FRAMES
                for other in there
            )
    return matched, len(found[0]) + len(found[1]), len(found[0])


def _amplitude(motions: Sequence[Motion]) -> NDArray[np.float64]:
    """(regions,) deviation over time, root of the mean over parts."""
    signals = [region_signals(open_basis().landmarks(motion)) for motion in motions]
    return np.sqrt(np.mean([signal.var(axis=0) for signal in signals], axis=0)) + 1e-6


def _true_amplitude(person: Person) -> NDArray[np.float64]:
    """Of the person's own reference."""
    pieces = [open_basis().neutral + displacement(piece) for piece in stretches(person.reference)]
    return np.sqrt(np.mean([region_signals(piece).var(axis=0) for piece in pieces], axis=0)) + 1e-6
