# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation closures``: do lips that shut without a style shut in it, however strong?

Every long free clip that may be trained on gives ten seconds of reference; the rest is spoken by both engines.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from core.audio.speech import Speech
from core.engine.backends.adamesh import AdaMeshBackend
from core.engine.backends.base import Backend, ChosenStyles, ignore_fraction
from core.engine.backends.mimic import MimicBackend
from core.engine.context import open_context
from core.engine.speaking import speak
from core.face.basis import open_basis
from core.face.closures import lip_gap
from core.models.adamesh.generate import ExpressionGenerator
from core.models.affine.fit import fit_style
from core.models.speech.registry import AUTO
from core.style.style import Style
from research.corpus.clips import free_training_clips
from research.evaluation.personal import LONG_CLIP_SECONDS, REFERENCE_SECONDS, PersonPart, cut_part, part_of
from research.evaluation.tables import Table
from research.paths import DATA_ROOT

STRENGTHS = (0.0, 0.5, 1.0, 1.5)
# under a millimetre of the signed gap: the rim of lips that touch
SHUT_MM = 1.0


def rows_of(part: PersonPart, backends: dict[str, Backend], base: ExpressionGenerator) -> Iterator[tuple[str, ...]]:
    """A row for each engine."""
    frames = round(REFERENCE_SECONDS * part.reference.motion.fps)
    learnt, spoken = cut_part(part, 0, frames), cut_part(part, frames, None)
    assert spoken.reference.speech is not None
    for name, backend in backends.items():
        style = backend.learn(learnt.reference, fit_style(base, learnt.reference), ignore_fraction)
        yield (
            part.person,
            Path(part.reference.report.source).stem,
            name,
            *_cells(backend, style, spoken.reference.speech),
        )


def _cells(backend: Backend, style: Style, speech: Speech) -> list[str]:
    """At every strength: frames shut, those shut at strength 0 among them, and the widest of the latter in mm."""
    basis = open_basis()
    gaps = [10 * lip_gap(basis, speak(backend, speech, ChosenStyles(style, strength=s)).motion) for s in STRENGTHS]
    shut = gaps[0] < SHUT_MM
    return [
        f"{(gap < SHUT_MM).sum()} / {(gap < SHUT_MM)[shut].sum()} / {np.max(gap[shut], initial=0):.1f}" for gap in gaps
    ]


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m research.evaluation closures", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--speech-encoder", default=AUTO)
    parser.add_argument("--only", default="", help="clips whose name contains this")
    chosen = parser.parse_args(argv)
    context, basis = open_context("cpu", chosen.speech_encoder), open_basis()
    adamesh = AdaMeshBackend.load(context)
    backends: dict[str, Backend] = {"AdaMesh": adamesh, "Mimic": MimicBackend.load(context)}
    rows: list[tuple[str, ...]] = []
    for clip in free_training_clips(chosen.data):
        if chosen.only in clip.path.stem:
            part = part_of(clip, basis)
            if part.reference.motion.seconds >= LONG_CLIP_SECONDS:
                rows += rows_of(part, backends, adamesh.generator)
    table = Table(
        f"Frames with lips under {SHUT_MM:g} mm apart at each style strength",
        ("person", "clip", "engine", *(f"strength {s:g}" for s in STRENGTHS)),
        tuple(rows),
        "Shut in all / shut of those that are shut at strength 0 / the widest of the latter in mm.",
    )
    sys.stdout.write(f"{table.text()}\n")
    return 0
