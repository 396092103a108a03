# SPDX-License-Identifier: GPL-3.0-or-later
"""The short benchmark for CI: the bundled demo inputs, a handful of held-out clips where they are, under a minute."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.audio.decode import load_speech
from core.face.basis import FaceBasis, open_basis
from core.tracking.reference import TrackedReference, track_reference
from research.corpus.clips import Clip, heldout_clips
from research.evaluation.accuracy import ClipScore, Generate, TruthClip, score, truth
from research.evaluation.closures import ClosureScore, closure_score
from research.evaluation.compare import mouth_gap
from research.evaluation.history import Entry
from research.evaluation.report import origin
from research.evaluation.sections import DEMO_REFERENCE, DEMO_SPEECH, our_generator
from research.evaluation.stages import growth
from research.evaluation.tables import Table, number

REFERENCE_SECONDS = 8.0
SPEED_SECONDS = (30.0, 30.0)
SHARED_CLIPS = 8


def measure_short(data: Path) -> Entry:
    """The bundled inputs always; the held-out clips only where ``data`` is."""
    generate, basis = our_generator(), open_basis()
    metrics = {f"demo.{k}": v for k, v in _scores([_demo_truth()], generate, basis).items()}
    clips = shared_clips(data)
    if clips:
        truths = [truth(clip, basis) for clip in clips]
        metrics |= {f"heldout.{k}": v for k, v in _scores(truths, generate, basis).items()}
    # a process of its own: here the threads' settings are whoever's imported torch first
    metrics["speed.real_time_factor"] = max(r.real_time_factor for r in growth(DEMO_SPEECH, SPEED_SECONDS))
    made = origin()
    return Entry(made.date, made.commit, made.model, made.hardware, inputs_hash(), metrics)


def shared_clips(data: Path) -> list[Clip]:
    """A few of the held-out GRID people's clips, none where the data is not here."""
    if not (data / "grid" / "heldout").is_dir():
        return []
    clips = heldout_clips(data)
    return clips[:: max(len(clips) // SHARED_CLIPS, 1)][:SHARED_CLIPS]


def inputs_hash() -> str:
    """Of the bundled files that are measured on."""
    digest = hashlib.sha256(DEMO_SPEECH.read_bytes() + DEMO_REFERENCE.read_bytes())
    return digest.hexdigest()[:12]


def short_table(entry: Entry, history: Sequence[Entry]) -> Table:
    """New values beside the last recorded ones."""
    last = next((e for e in reversed(history) if e.inputs == entry.inputs), None)
    old = last.metrics if last else {}
    rows = tuple((k, number(v, 3), number(old[k], 3) if k in old else "–") for k, v in entry.metrics.items())
    return Table("Short benchmark", ("metric", "now", "recorded"), rows)


def _demo_truth() -> TruthClip:
    reference: TrackedReference = track_reference(DEMO_REFERENCE, 0.0, REFERENCE_SECONDS)
    speech = reference.speech or load_speech(DEMO_REFERENCE)
    displacement = (reference.landmarks - reference.neutral).astype(np.float64)
    return TruthClip(Clip("demo", "reference", DEMO_REFERENCE), speech, displacement)


def _scores(truths: Sequence[TruthClip], generate: Generate, basis: FaceBasis) -> dict[str, float]:
    scores: list[ClipScore] = []
    total = ClosureScore(0, 0, 0)
    for item in truths:
        given = basis.displacement(generate(item.speech))
        frames = min(len(given), len(item.displacement))
        scores.append(score(item, given, basis))
        total += closure_score(mouth_gap(item.displacement[:frames], basis), mouth_gap(given[:frames], basis))
    return {
        "correlation": float(np.median([s.correlation for s in scores])),
        "lip_error_mm": float(np.median([s.lip_error_mm for s in scores])),
        "closure_recall": total.recall,
        "amplitude": float(np.median([s.amplitude_ratio for s in scores])),
    }
