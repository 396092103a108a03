# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of Mimic's table: a constant face, visemes, AdaMesh without and with a person's style, Mimic's codes."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE, Motion
from core.models.adamesh.adapter import AdaptationSettings
from core.models.adamesh.generate import ExpressionGenerator
from core.models.mimic.generate import MimicGenerator
from research.corpus.clips import Clip
from research.evaluation.baselines import face_motion, fitting_clips, frame_count
from research.evaluation.baselines_viseme import VisemeSystem, fit_visemes
from research.evaluation.mimic.people import Listener, MimicRow, Speak, code_of, joined, others, score_person
from research.evaluation.personal import Person
from research.evaluation.style.benchmark import Ruler
from research.evaluation.style.methods import MOLORA, Adapted, Method, Unadapted

OWN, OTHER, MEAN = "Mimic, own code", "Mimic, another's code", "Mimic, mean code"
CORRECTED = "Mimic, own code and likeness"
SOUNDLESS = "Mimic, own code, no sound"
CONSTANT = "constant face"
_TIMED_SECONDS = 10.0
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class MimicResult:
    """One row of the table, one entry per person."""

    name: str
    people: tuple[MimicRow, ...]


def measured(
    people: Sequence[Person], ruler: Ruler, mimic: MimicGenerator, base: ExpressionGenerator | None
) -> Iterator[MimicResult]:
    """All rows, each as soon as it is known; AdaMesh and visemes only where ``base`` is given."""
    yield _plain(CONSTANT, constant, people, ruler)
    if base is not None:
        # its phones come from a cache: what finding them takes cannot be told
        yield _plain("visemes, sound only", visemes(), people, ruler, waiting=float("nan"))
        yield _adamesh("AdaMesh, unadapted", Unadapted(), base, people, ruler)
        yield _adamesh("AdaMesh, adapted", Adapted(MOLORA, AdaptationSettings()), base, people, ruler)
    yield from mimic_results(people, ruler, mimic)


def mimic_results(people: Sequence[Person], ruler: Ruler, mimic: MimicGenerator) -> list[MimicResult]:
    """The mean code, other people's, the own one without the reference's sound and with it, and corrected."""
    listener = Listener(mimic)
    codes = {person.name: _code(mimic, person, heard=True) for person in people}
    soundless = {person.name: _code(mimic, person, heard=False) for person in people}
    waiting = first_result_seconds(lambda speech: mimic.generate(speech, None))

    def row(person: Person, code: _Code | None) -> MimicRow:
        values, seconds = (None, 0.0) if code is None else (code.values, code.seconds)
        return score_person(person, lambda speech: listener.speak(speech, values), ruler, waiting + seconds)

    own = [row(p, codes[p.name]) for p in people]
    mean = [row(p, None) for p in people]
    unheard = [row(p, soundless[p.name]) for p in people]
    other = [joined([row(p, codes[o.name]) for o in others(p.name, people)]) for p in people]
    corrected = [
        score_person(p, listener.corrected(codes[p.name].values, p.reference), ruler, waiting + codes[p.name].seconds)
        for p in people
    ]
    named = {MEAN: mean, OTHER: other, SOUNDLESS: unheard, OWN: own, CORRECTED: corrected}
    return [MimicResult(name, tuple(rows)) for name, rows in named.items()]


@dataclass(frozen=True, slots=True, eq=False)
class _Code:
    """values: (128,), and how long they took."""

    values: np.ndarray
    seconds: float


def _code(mimic: MimicGenerator, person: Person, heard: bool) -> _Code:
    began = time.perf_counter()
    values = code_of(mimic, person.reference, heard)
    return _Code(values, time.perf_counter() - began)


def constant(speech: Speech) -> Motion:
    """The person's own resting face."""
    return face_motion(np.zeros((frame_count(speech), MOTION_SIZE)), open_basis())


def visemes() -> Speak:
    """Fifteen shapes fitted on the training people, on phones recognised from the sound; at rest where none are."""
    fitted, _ = fit_visemes(fitting_clips())
    system: VisemeSystem = fitted.without_transcript()

    def speak(speech: Speech) -> Motion:
        name = hashlib.sha256(speech.samples.tobytes()).hexdigest()[:12]
        return system.motion(Clip("mimic", "part", Path(f"{name}.wav")), speech) or constant(speech)

    return speak


def first_result_seconds(speak: Callable[[Speech], Motion]) -> float:
    """Median seconds that ten seconds of sound take, once everything is loaded."""
    rng = np.random.default_rng(0)
    speech = Speech((0.1 * rng.normal(size=round(_TIMED_SECONDS * SAMPLE_RATE))).astype(np.float32), "noise")
    speak(speech)
    taken = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        speak(speech)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _plain(
    name: str, speak: Speak, people: Sequence[Person], ruler: Ruler, waiting: float | None = None
) -> MimicResult:
    waiting = first_result_seconds(speak) if waiting is None else waiting
    return MimicResult(name, tuple(score_person(person, speak, ruler, waiting) for person in people))


def _adamesh(
    name: str, method: Method, base: ExpressionGenerator, people: Sequence[Person], ruler: Ruler
) -> MimicResult:
    rows = []
    for person in people:
        fitted = method.fit(base, person.reference.reference)
        waiting = fitted.seconds + first_result_seconds(fitted.generate)
        rows.append(score_person(person, fitted.generate, ruler, waiting))
    return MimicResult(name, tuple(rows))
