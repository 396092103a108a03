# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the style benchmark's finished rows in build/style, so that an interrupted run resumes.

A row counts as the same only with the same method, networks, people and source code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.models.adamesh.generate import ExpressionGenerator
from research.evaluation.personal import Person
from research.evaluation.regions import RegionRatios
from research.evaluation.style.methods import Method
from research.evaluation.style.tables import MethodResult, PersonRow, StretchScore
from research.paths import BUILD, ROOT

CACHE_ROOT = BUILD / "style"
# code that the numbers hang on
_SOURCES = (
    "core/models/adamesh/*.py",
    "core/models/affine/*.py",
    "core/style/*.py",
    "core/face/blink_events.py",
    "research/evaluation/style/*.py",
    "research/evaluation/personal.py",
)


class RowCache:
    """Finished rows of one set of people on one base network."""

    def __init__(self, base: ExpressionGenerator, people: Sequence[Person], root: Path = CACHE_ROOT) -> None:
        self._root = root
        self._common = [base.hash, base.encoder.hash, sources_hash(), *(_person_hash(person) for person in people)]

    def load(self, method: Method) -> MethodResult | None:
        """The row, if it is there."""
        path = self.path(method)
        return result_from(json.loads(path.read_text())) if path.is_file() else None

    def save(self, method: Method, result: MethodResult) -> None:
        """Keep a finished row."""
        self._root.mkdir(parents=True, exist_ok=True)
        self.path(method).write_text(json.dumps(dataclasses.asdict(result), indent=1))

    def path(self, method: Method) -> Path:
        """Where this method's row lies."""
        described = [type(method).__name__, dataclasses.asdict(method), *self._common]  # type: ignore[call-overload]
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        return self._root / f"style-{digest[:16]}.json"


def result_from(stored: dict[str, Any]) -> MethodResult:
    """A row from its JSON."""
    return MethodResult(stored["name"], tuple(_row_from(row) for row in stored["people"]))


def _row_from(stored: dict[str, Any]) -> PersonRow:
    stretches = tuple(
        StretchScore(**{**score, "ratios": RegionRatios(**score["ratios"])}) for score in stored["stretches"]
    )
    return PersonRow(**{**stored, "stretches": stretches})


def sources_hash() -> str:
    """Of the code that a row hangs on."""
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _person_hash(person: Person) -> str:
    digest = hashlib.sha256(person.name.encode())
    for part in (person.reference, *person.tests):
        digest.update(np.ascontiguousarray(part.reference.motion.face_vector()).tobytes())
        if part.reference.speech is not None:
            digest.update(np.ascontiguousarray(part.reference.speech.samples).tobytes())
    return digest.hexdigest()
