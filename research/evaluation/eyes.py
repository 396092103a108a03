# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation eyes``: how people blink and look about, and whether generated eyes do it their way.

Generated: the model's motion for the same speech with the recorded head, blinking in the manner that was measured,
and measured again from its landmarks by the same code.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import LIPS, mouth_opening
from core.face.lids import lid_chart, lid_gaps
from core.face.motion import EXPRESSION_SIZE, INTERNAL_FPS, Motion
from core.models.eyes.apply import eyes_for
from core.models.eyes.measure import EyesEvidence, burstiness, eyes_part, observe, tracked_eyes
from core.settings import EyesSettings
from core.style.parts import EyesPart
from core.tracking.align import align, uniform_landmarks
from core.tracking.reference import TrackedReference, fit_track, longest_shot
from core.tracking.sync import loudness, measure_offset
from research.corpus.clips import (
    Clip,
    free_scoring_clips,
    free_training_clips,
    heldout_clips,
    load_tracked,
    training_clips,
)
from research.evaluation.accuracy import Generate
from research.evaluation.tables import Section, Table, number
from research.paths import DATA_ROOT

CLIPS_PER_PERSON = 40
SEEDS = 4
# loudness is a rough measure of the mouth: only long clips are moved by it
_MIN_SYNC_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class EyesRow:
    """What clips of one kind show, as counted. pause_ratio: blinks per second in pauses against all of the time."""

    name: str
    clips: int
    seconds: float
    weight: float
    blinks_per_minute: float
    blink_seconds: float
    depth: float
    clustering: float
    pause_time: float
    pause_ratio: float
    gaze_degrees: float


def eyes_row(name: str, clips: Sequence[EyesEvidence]) -> EyesRow:
    """Plain counts, nothing drawn to a default; nan where there is nothing to count."""
    blinks = [blink for clip in clips for blink in clip.blinks]
    seconds = sum(clip.seconds for clip in clips)
    heard, pause = sum(clip.seconds_with_sound for clip in clips), sum(clip.pause_seconds for clip in clips)
    expected = sum(clip.blinks_with_sound for clip in clips) * pause / max(heard, 1e-9)
    timed = [clip.intervals for clip in clips if len(clip.intervals) > 2]
    bursts = [burstiness(intervals) * len(intervals) for intervals in timed]
    return EyesRow(
        name=name,
        clips=len(clips),
        seconds=seconds,
        weight=float(np.mean([clip.weight for clip in clips])),
        blinks_per_minute=60 * len(blinks) / seconds,
        blink_seconds=float(np.mean([blink.seconds for blink in blinks])) if blinks else float("nan"),
        depth=float(np.median([blink.depth for blink in blinks])) if blinks else float("nan"),
        clustering=sum(bursts) / sum(map(len, timed)) if timed else float("nan"),
        pause_time=pause / max(heard, 1e-9),
        pause_ratio=sum(clip.pause_blinks for clip in clips) / expected if expected > 0 else float("nan"),
        gaze_degrees=float(np.degrees(np.sqrt(np.mean([clip.gaze_spread_radians**2 for clip in clips])))),
    )


def load_reference(clip: Clip) -> TrackedReference:
    """A clip's cached track as the reference tracker would give it; its sound put in step where that can be told."""
    tracked = load_tracked(clip)
    track = longest_shot(tracked.track)
    first = float(track.seconds[0])
    speech = dataclasses.replace(tracked.speech, samples=tracked.speech.samples[round(first * 16_000) :])
    late = 0.0
    if track.seconds[-1] - first >= _MIN_SYNC_SECONDS:
        uniform = uniform_landmarks(track, INTERNAL_FPS, first)
        opening = mouth_opening(align(uniform.landmarks, open_basis().neutral).landmarks)
        level = loudness(speech, INTERNAL_FPS, len(opening))
        late = measure_offset(opening, level, INTERNAL_FPS).offset_seconds
    return fit_track(track, first + late, speech, None, 0)


def people(data: Path) -> dict[str, list[Clip]]:
    """Free speech and GRID's clips, by talker."""
    groups: dict[str, list[Clip]] = {}
    for clip in free_training_clips(data) + free_scoring_clips(data):
        groups.setdefault(f"free speech {clip.person}", []).append(clip)
    for clip in training_clips(data) + heldout_clips(data):
        groups.setdefault(f"GRID {clip.person}", []).append(clip)
    # of one clip of three seconds nothing can be said
    long = {name: clips for name, clips in groups.items() if len(clips) > 1 or name.startswith("free")}
    return {name: clips[:: max(len(clips) // CLIPS_PER_PERSON, 1)][:CLIPS_PER_PERSON] for name, clips in long.items()}


def generated_evidence(
    generate: Generate, reference: TrackedReference, part: EyesPart, seed: int
) -> EyesEvidence | None:
    """The same speech and head with generated lids and eyes, measured from its landmarks."""
    if reference.speech is None:
        return None
    motion = generate(reference.speech)
    frames = min(len(motion), len(reference.motion))
    motion = _cut(motion, frames).replace(head=reference.motion.head[:frames])
    blinking = eyes_for(motion, reference.speech, part, EyesSettings(), seed)
    copy = dataclasses.replace(
        reference,
        motion=blinking,
        landmarks=open_basis().landmarks(blinking),
        weights=np.ones(frames, np.float32),
    )
    return observe(tracked_eyes(copy))


def _cut(motion: Motion, frames: int) -> Motion:
    fields = ("expression", "jaw", "head", "gaze")
    return motion.replace(**{name: getattr(motion, name)[:frames] for name in fields})


def lid_row(basis: FaceBasis) -> tuple[str, ...]:
    """How far the basis shuts its lids, and what else moves then, in millimetres."""
    rest = np.zeros((1, EXPRESSION_SIZE), np.float32)
    shut = lid_chart(basis).closed(rest, np.ones(1))[0]
    moved = np.tensordot(shut.astype(np.float64), basis.directions, axes=1)
    open_gaps, gaps = lid_gaps(basis.neutral), lid_gaps(basis.neutral + moved)
    lips = np.linalg.norm(moved[LIPS], axis=1).max()
    return (
        basis.name,
        number(10 * float(open_gaps.mean())),
        number(10 * float(gaps.mean())),
        number(10 * float(gaps.max())),
        number(10 * float(lips), 3),
    )


def section(data: Path, generate: Generate, seeds: int = SEEDS) -> Section:
    """The tables."""
    recorded, made, parts = [], [], []
    for name, clips in people(data).items():
        references = [load_reference(clip) for clip in clips]
        seen = [observe(tracked_eyes(reference)) for reference in references]
        part = eyes_part(seen)
        parts.append((name, part))
        recorded.append(eyes_row(name, seen))
        # every clip its own seed: short ones would otherwise all blink at the same time, or never
        turns = enumerate(reference for _ in range(seeds) for reference in references)
        again = [generated_evidence(generate, reference, part, seed) for seed, reference in turns]
        made.append(eyes_row(name, [evidence for evidence in again if evidence is not None]))
    lids = Table(
        "Shutting the lids through the face basis, millimetres",
        ("basis", "open", "shut", "shut, worst pair", "lips move"),
        (lid_row(open_basis()),),
    )
    tables = (_rows_table("Recorded people", recorded), _parts_table(parts), _rows_table("Generated", made), lids)
    data_rows = {
        "recorded": [dataclasses.asdict(row) for row in recorded],
        "generated": [dataclasses.asdict(r) for r in made],
    }
    return Section("eyes", tables, {**data_rows, "parts": {name: dataclasses.asdict(part) for name, part in parts}})


def _rows_table(title: str, rows: Sequence[EyesRow]) -> Table:
    return Table(
        f"{title}: blinks and gaze as counted",
        ("person", "clips", "s", "trust", "blinks/min", "blink s", "depth", "cluster", "pause", "in pause", "gaze °"),
        tuple(
            (
                row.name,
                str(row.clips),
                number(row.seconds, 0),
                number(row.weight),
                number(row.blinks_per_minute, 1),
                number(row.blink_seconds),
                number(row.depth),
                number(row.clustering),
                number(row.pause_time),
                number(row.pause_ratio),
                number(row.gaze_degrees, 1),
            )
            for row in rows
        ),
        "depth: median, 1 is shut. cluster: 0 even, 0.5 chance. pause: share of time. in pause: blinks there against "
        "that share, 1 is no preference. gaze: what the eyes do beside holding their aim.",
    )


def _parts_table(parts: Sequence[tuple[str, EyesPart]]) -> Table:
    names = [field.name for field in dataclasses.fields(EyesPart)]
    return Table(
        "What a style keeps (counts drawn to the natural default where the clips are short)",
        ("person", *names),
        tuple((name, *(number(getattr(part, field)) for field in names)) for name, part in parts),
    )


def main(argv: Sequence[str]) -> int:
    """Print the tables."""
    from research.evaluation.sections import our_generator

    parser = argparse.ArgumentParser(prog="python -m research.evaluation eyes", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    arguments = parser.parse_args(argv)
    for table in section(arguments.data, our_generator()).tables:
        print(table.text(), end="\n\n")
    return 0
