# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation style``: what a style learnt from ten seconds does to the rest of that person.

Every method of ``style_methods`` learns each evaluation person's reference and speaks their other clips. A long clip
is cut into stretches of three seconds, so that intervals are over stretches of like length. Blinks are taken out of
the truth: none of the methods makes any. Finished rows are kept in build/style, so that an interrupted run resumes.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.speech import Speech
from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS, Motion
from core.face.rotations import FloatArray
from core.models.adamesh.blink_removal import without_blinks
from core.models.adamesh.generate import ExpressionGenerator
from core.models.speech.registry import BUNDLED, WHISPER
from research.evaluation.bundled import expression_generator
from research.evaluation.dynamics import upper_face_deviation
from research.evaluation.metrics import best_lag, constant_face, lip_error_mm
from research.evaluation.personal import (
    Person,
    PersonPart,
    cut_part,
    evaluation_people,
)
from research.evaluation.regions import amplitude_ratios
from research.evaluation.report import BENCHMARK, origin
from research.evaluation.style.cache import RowCache
from research.evaluation.style.distance import StyleScale, style_distance, style_statistics
from research.evaluation.style.methods import Fitted, LeastSquaresGain, Method, Unadapted, methods
from research.evaluation.style.tables import (
    MethodResult,
    PersonRow,
    StretchScore,
    person_table,
    region_table,
    summary_table,
)
from research.evaluation.tables import Table
from research.paths import DATA_ROOT

STRETCH_SECONDS = 3.0
RESULTS = "style.json"


def style_people(data: Path) -> list[Person]:
    """The people with enough material that no network has learnt from: three of GRID and the long free clips."""
    people = evaluation_people(data)
    return [replace(person, tests=tuple(unblinking(part) for part in person.tests)) for person in people]


def unblinking(part: PersonPart) -> PersonPart:
    """The part as if the person had not blinked."""
    return replace(part, reference=without_blinks(part.reference, open_basis()))


@dataclass(frozen=True, slots=True, eq=False)
class Ruler:
    """How alike two manners are among these people: each one's reference, and the unit of distance.

    truth: own_closer of the true motion, mean over people; the measure's own ceiling.
    """

    gallery: dict[str, NDArray[np.float64]]
    scale: StyleScale
    truth: float

    @classmethod
    def of(cls, people: Sequence[Person]) -> Ruler:
        """From their references and tests."""
        gallery = {person.name: _true_statistics(unblinking(person.reference)) for person in people}
        tests = {
            person.name: [_true_statistics(piece) for part in person.tests for piece in stretches(part)]
            for person in people
        }
        scale = StyleScale.of([*gallery.values(), *(item for items in tests.values() for item in items)])
        ruler = cls(gallery, scale, float("nan"))
        shares = [ruler.own_closer(name, items) for name, items in tests.items()]
        return cls(gallery, scale, float(np.mean(shares)))

    def own_closer(self, person: str, clips: Sequence[FloatArray]) -> float:
        """Share of (clip, other person) pairs in which the clip's statistics are nearer to the person's own."""
        closer = [
            style_distance(clip, self.gallery[person], self.scale) < style_distance(clip, other, self.scale)
            for clip in clips
            for other in self.others(person)
        ]
        return float(np.mean(closer)) if closer else float("nan")

    def others(self, person: str) -> list[NDArray[np.float64]]:
        """The references of everybody who is somebody else."""
        return [own for name, own in self.gallery.items() if name != person]


def measure_method(method: Method, base: ExpressionGenerator, people: Sequence[Person], ruler: Ruler) -> MethodResult:
    """Fit every person, speak their tests, and score."""
    rows = [_person_row(person, method.fit(base, person.reference.reference), ruler) for person in people]
    return MethodResult(method.name, tuple(rows))


def stretches(part: PersonPart) -> list[PersonPart]:
    """A part in pieces of about three seconds; a clip of GRID is one."""
    frames = len(part.reference.motion)
    count = max(round(frames / (STRETCH_SECONDS * INTERNAL_FPS)), 1)
    edges = np.linspace(0, frames, count + 1).round().astype(int)
    return [cut_part(part, int(a), int(b)) for a, b in itertools.pairwise(edges)]


def _person_row(person: Person, fitted: Fitted, ruler: Ruler) -> PersonRow:
    basis = open_basis()
    scores, statistics = [], []
    for part in person.tests:
        for piece, given in _spoken_stretches(part, fitted.generate, basis):
            scores.append(stretch_score(_displacement(piece), given, basis))
            statistics.append(style_statistics(basis.neutral + given))
    return PersonRow(
        person=person.name,
        stretches=tuple(scores),
        own_closer=ruler.own_closer(person.name, statistics),
        fit_seconds=fitted.seconds,
        values=fitted.values,
        scale=fitted.scale,
        steps=fitted.steps,
    )


def part_scores(part: PersonPart, generate: Callable[[Speech], Motion], basis: FaceBasis) -> list[StretchScore]:
    """A part's speech, spoken at once and scored in stretches of about three seconds."""
    return [
        stretch_score(_displacement(piece), given, basis) for piece, given in _spoken_stretches(part, generate, basis)
    ]


def _spoken_stretches(
    part: PersonPart, generate: Callable[[Speech], Motion], basis: FaceBasis
) -> Iterator[tuple[PersonPart, FloatArray]]:
    assert part.reference.speech is not None
    shown = _padded(basis.displacement(generate(part.reference.speech)), len(part.reference.motion))
    first = 0
    for piece in stretches(part):
        given = shown[first : first + len(piece.reference.motion)]
        first += len(given)
        yield piece, given


def stretch_score(true: FloatArray, given: FloatArray, basis: FaceBasis) -> StretchScore:
    """Generated displacement (T, 478, 3) cm against the tracked one."""
    wanted = np.asarray(true, np.float64)
    lag = best_lag(mouth_opening(basis.neutral + wanted), mouth_opening(basis.neutral + given))
    return StretchScore(
        lip_error_mm=lip_error_mm(wanted, given),
        constant_error_mm=lip_error_mm(wanted, constant_face(wanted)),
        correlation=lag.correlation,
        dynamics=upper_face_deviation([wanted], [given]).signed,
        ratios=amplitude_ratios(basis.neutral + wanted, basis.neutral + given),
    )


def _padded(values: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    return np.concatenate([values[:frames], np.repeat(values[-1:], max(frames - len(values), 0), axis=0)])


def _displacement(part: PersonPart) -> NDArray[np.float32]:
    return part.reference.landmarks - part.reference.neutral


def _true_statistics(part: PersonPart) -> NDArray[np.float64]:
    return style_statistics(open_basis().neutral + _displacement(part))


def run(data: Path, only: Sequence[str] | None = None, encoder: str = BUNDLED) -> list[MethodResult]:
    """Every method, or those named and the two that everything is compared with; prints as it goes."""
    people = style_people(data)
    ruler = Ruler.of(people)
    base = expression_generator("auto", encoder)
    cache = RowCache(base, people)
    results = []
    for method in methods():
        if only is None or method.name in (*only, Unadapted().name, LeastSquaresGain().name):
            result = cache.load(method)
            if result is None:
                result = measure_method(method, base, people, ruler)
                cache.save(method, result)
            results.append(result)
            print(_progress_line(result), flush=True)
    for table in tables(results, ruler):
        print(f"\n{table.text()}", flush=True)
    return results


def tables(results: Sequence[MethodResult], ruler: Ruler) -> tuple[Table, ...]:
    """Summary, people, regions."""
    others = {row.person: len(ruler.others(row.person)) for row in results[0].people}
    return (
        summary_table(results, ruler.truth, others, Unadapted().name, LeastSquaresGain().name),
        person_table(results),
        region_table(results),
    )


def _progress_line(result: MethodResult) -> str:
    return f"{result.name}: " + ", ".join(f"{row.person} {row.mean('lip_error_mm'):.2f} mm" for row in result.people)


def main(argv: Sequence[str]) -> int:
    """Print the tables and keep the numbers."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation style", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--out", type=Path, default=BENCHMARK, help=f"folder for {RESULTS}")
    parser.add_argument("--only", action="append", help="a method's name (may be repeated)")
    parser.add_argument("--speech-encoder", choices=(BUNDLED, WHISPER), default=BUNDLED)
    arguments = parser.parse_args(argv)
    results = run(arguments.data, arguments.only, arguments.speech_encoder)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / RESULTS
    stored = {"origin": dataclasses.asdict(origin()), "methods": [dataclasses.asdict(result) for result in results]}
    path.write_text(json.dumps(stored, indent=1) + "\n")
    print(f"Wrote {path}")
    return 0
