# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation own-codes``: what ten seconds of a person are worth to Mimic, for both encoders.

The style benchmark's people, whom no network has seen: their other speech with the mean code and with their own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.motion import Motion
from core.models.mimic.generate import MIMIC_FILE, MimicGenerator
from core.models.speech.registry import BUNDLED, WHISPER, weights_file
from core.models.speech.whisper_files import whisper_is_ready
from core.weights import bundled, is_bundled
from research.evaluation.mimic.people import Listener, code_of
from research.evaluation.personal import Person
from research.evaluation.style.benchmark import part_scores, style_people
from research.evaluation.tables import Table
from research.paths import DATA_ROOT


def rows_of(name: str, generator: MimicGenerator, people: Sequence[Person]) -> Iterator[tuple[str, ...]]:
    """A row for each person: errors in mm, what the own code and the likeness beside it save, correlations."""
    listener = Listener(generator)
    for person in people:
        code = code_of(generator, person.reference)

        def own(speech: Speech, code: np.ndarray = code) -> Motion:
            return listener.speak(speech, code)

        still, mean, mean_r = _errors(person, lambda speech: listener.speak(speech, None))
        _, styled, _ = _errors(person, own)
        _, alike, alike_r = _errors(person, listener.corrected(code, person.reference))
        saved = (f"{100 * (1 - error / mean):+.1f} %" for error in (styled, alike))
        errors = (f"{error:.2f}" for error in (still, mean, styled, alike))
        yield (name, person.name, *errors, *saved, f"{mean_r:.2f} > {alike_r:.2f}")


def _errors(person: Person, generate: Callable[[Speech], Motion]) -> tuple[float, float, float]:
    """Means over stretches: the still face's error, the motion's, and its correlation."""
    found = [score for part in person.tests for score in part_scores(part, generate, open_basis())]
    names = ("constant_error_mm", "lip_error_mm", "correlation")
    still, error, correlation = (float(np.mean([getattr(score, name) for score in found])) for name in names)
    return still, error, correlation


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation own-codes", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    chosen = parser.parse_args(argv)
    people = style_people(chosen.data)
    rows: list[tuple[str, ...]] = []
    for encoder in (BUNDLED, *((WHISPER,) if whisper_is_ready() else ())):
        file = weights_file(MIMIC_FILE, encoder)
        if is_bundled(file):
            rows += rows_of(f"Mimic, {encoder}", MimicGenerator.load(path=bundled(file)), people)
    table = Table(
        "Ten seconds of a person whom no network has seen, by Mimic: lip error in mm over stretches of three seconds",
        (
            "network",
            "person",
            "still face",
            "mean code",
            "own code",
            "and likeness",
            "code saves",
            "both",
            "correlation",
        ),
        tuple(rows),
        "",
    )
    sys.stdout.write(f"{table.text()}\n")
    return 0
