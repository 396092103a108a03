# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.evaluation sync``: is generated motion early or late against recordings from many sources?

Each corpus has its own offset of picture against sound, and a model takes over that of its training data. So the
recordings' loudness is measured beside the model: in-step recordings of one kind of speech agree in it.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE, Speech
from core.face.basis import FaceBasis, open_basis
from core.face.landmarks import mouth_opening
from core.face.motion import INTERNAL_FPS
from core.face.rotations import FloatArray
from core.tracking.align import align, uniform_landmarks
from core.tracking.sync import CHANCE_CORRELATION
from research.corpus.clips import (
    Clip,
    free_scoring_clips,
    free_training_clips,
    heldout_clips,
    known_talker_clips,
    load_tracked,
    training_clips,
)
from research.corpus.facegood import at_internal_fps, recorded_motions
from research.corpus.lip_prior import as_motion
from research.evaluation.accuracy import Generate
from research.evaluation.metrics import correlation
from research.evaluation.tables import Section, Table, number
from research.paths import DATA_ROOT

# the clip that is furthest out is 250 ms off; GRID's words follow each other every 320 ms, a false peak
REACH_FRAMES = 7
CLIPS_PER_PERSON = 40
LOUDNESS_RANGE_DECIBEL = 35.0
_FINE = 4


@dataclass(frozen=True, slots=True, eq=False)
class MouthRecording:
    """opening: (T,) cm at 25 fps as recorded, no offset taken out; and the sound."""

    opening: NDArray[np.float64]
    speech: Speech


@dataclass(frozen=True, slots=True)
class Lag:
    """correlation at the best shift; milliseconds: positive where the second signal is late; refined by a parabola."""

    correlation: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class SyncScore:
    """One recording or one talker's clips: the model and the loudness against the recorded mouth.

    reach: frames on each side that were looked through.
    """

    name: str
    clips: int
    seconds: float
    generated: Lag
    loudness: Lag
    reach: int = REACH_FRAMES


def lag_curve(recorded: FloatArray, other: FloatArray, reach: int = REACH_FRAMES) -> NDArray[np.float64]:
    """(2 reach + 1,) correlation with ``other`` shifted by -reach..reach frames; positive shifts: other is late."""
    frames = min(len(recorded), len(other))
    a, b = recorded[:frames], other[:frames]
    shifts = range(-reach, reach + 1)
    return np.array(
        [correlation(a[max(-s, 0) : frames - max(s, 0)], b[max(s, 0) : frames + min(s, 0)]) for s in shifts]
    )


def peak_lag(curve: FloatArray, fps: float = INTERNAL_FPS) -> Lag:
    """The curve's maximum, to a fraction of a frame by the parabola through it and its neighbours."""
    peak, reach = int(np.argmax(curve)), len(curve) // 2
    fraction = 0.0
    if 0 < peak < len(curve) - 1:
        left, middle, right = (float(value) for value in curve[peak - 1 : peak + 2])
        curvature = left - 2 * middle + right
        fraction = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return Lag(float(curve[peak]), 1000.0 * (peak - reach + fraction) / fps)


def changes(signal: FloatArray) -> NDArray[np.float64]:
    """(T,) smoothed frame-to-frame change: without the sentence's slow rise and fall, whose match says little."""
    steps = np.diff(np.asarray(signal, np.float64), prepend=signal[0])
    padded = np.pad(steps, 1, mode="edge")
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])


def centred_loudness(speech: Speech, frames: int) -> NDArray[np.float64]:
    """(frames,) decibel at 25 fps; the window of frame t is centred on t / 25 s, so that it is neither early nor late.

    Floored 35 dB under the loud parts, over 50 ms.
    """
    fine_fps = _FINE * INTERNAL_FPS
    edges = np.round((np.arange(_FINE * frames + 1) - 0.5) * SAMPLE_RATE / fine_fps).astype(int)
    edges = np.clip(edges, 0, len(speech.samples))
    power = np.concatenate([[0.0], np.cumsum(speech.samples.astype(np.float64) ** 2)])
    level = 10 * np.log10((power[edges[1:]] - power[edges[:-1]]) / np.maximum(np.diff(edges), 1) + 1e-12)
    floored = np.maximum(level, np.percentile(level, 98) - LOUDNESS_RANGE_DECIBEL)
    padded = np.pad(floored, 2, mode="edge")
    return np.asarray(np.convolve(padded, np.full(5, 0.2), "valid")[::_FINE])


def score_sync(
    name: str,
    recordings: Sequence[MouthRecording],
    generate: Generate,
    basis: FaceBasis,
    reach: int = REACH_FRAMES,
) -> SyncScore:
    """Mean lag curves over the recordings, of the model and of the loudness."""
    against_model, against_loudness = [], []
    for recording in recordings:
        mouth = changes(recording.opening)
        model = mouth_opening(basis.landmarks(generate(recording.speech)))
        against_model.append(lag_curve(mouth, changes(model), reach))
        against_loudness.append(lag_curve(mouth, changes(centred_loudness(recording.speech, len(mouth))), reach))
    return SyncScore(
        name=name,
        clips=len(recordings),
        seconds=sum(len(recording.opening) for recording in recordings) / INTERNAL_FPS,
        generated=peak_lag(np.mean(against_model, axis=0)),
        loudness=peak_lag(np.mean(against_loudness, axis=0)),
        reach=reach,
    )


def recordings(data: Path, basis: FaceBasis, singly: bool = False) -> dict[str, list[MouthRecording]]:
    """All we can judge by: each free recording for itself, GRID's clips by talker or ``singly``."""
    groups: dict[str, list[MouthRecording]] = {}
    for clip in _some_of_each(heldout_clips(data) + known_talker_clips(data)):
        _add(groups, f"GRID {_who(clip, singly)} (not trained on)", clip, basis)
    for clip in _some_of_each(training_clips(data)):
        _add(groups, f"GRID {_who(clip, singly)} (training)", clip, basis)
    for clip in free_training_clips(data) + free_scoring_clips(data):
        _add(groups, f"free speech {clip.path.stem}", clip, basis)
    for path in sorted((data / "tmsv").glob("*.mp4")):
        _add(groups, f"tmsv {path.stem}", Clip("tmsv", path.stem.split("_")[0], path), basis)
    for recorded in recorded_motions(data, basis):
        motion = as_motion(at_internal_fps(recorded.values, 0.0), basis, INTERNAL_FPS)
        opening = mouth_opening(basis.landmarks(motion)).astype(np.float64)
        groups[f"facegood {recorded.path.stem}"] = [MouthRecording(opening, load_speech(recorded.path))]
    return groups


def _some_of_each(clips: Sequence[Clip]) -> list[Clip]:
    """At most ``CLIPS_PER_PERSON`` of everybody, the first ones."""
    people: dict[str, list[Clip]] = {}
    for clip in clips:
        people.setdefault(clip.person, []).append(clip)
    return [clip for own in people.values() for clip in own[:CLIPS_PER_PERSON]]


def _who(clip: Clip, singly: bool) -> str:
    return f"{clip.person} {clip.path.stem}" if singly else clip.person


def _add(groups: dict[str, list[MouthRecording]], name: str, clip: Clip, basis: FaceBasis) -> None:
    tracked = load_tracked(clip)
    landmarks = align(uniform_landmarks(tracked.track, INTERNAL_FPS).landmarks, basis.neutral).landmarks
    groups.setdefault(name, []).append(MouthRecording(mouth_opening(landmarks), tracked.speech))


def section(data: Path, generate: Generate, singly: bool = False) -> Section:
    """The table; ``singly``: a row for every clip, looked through twice as far."""
    basis = open_basis()
    reach = (2 if singly else 1) * REACH_FRAMES
    groups = recordings(data, basis, singly)
    scores = [score_sync(name, group, generate, basis, reach) for name, group in groups.items()]
    table = Table(
        "Sync: generated motion and loudness against the recorded mouth, milliseconds (positive: they are late)",
        ("recording", "clips", "seconds", "model corr", "model ms", "loudness corr", "loudness ms"),
        tuple(_row(score) for score in scores),
        "Correlations are of the changes from frame to frame; a dash where speech of that length reaches them by "
        "chance. A recording whose own picture is out of step shows the same offset in both columns.",
    )
    return Section("sync", (table,), {"recordings": [dataclasses.asdict(score) for score in scores]})


def _row(score: SyncScore) -> tuple[str, ...]:
    lags = (score.generated, score.loudness)
    cells = [(number(lag.correlation), number(_trusted(lag, score), 0, sign=True)) for lag in lags]
    return (score.name, str(score.clips), number(score.seconds, 0), *cells[0], *cells[1])


def _trusted(lag: Lag, score: SyncScore) -> float:
    """Milliseconds; not a number where speech of that length may correlate so by chance, or at the search's edge."""
    at_edge = abs(lag.milliseconds) >= 1000.0 * score.reach / INTERNAL_FPS
    by_chance = lag.correlation < CHANCE_CORRELATION / np.sqrt(score.seconds)
    return float("nan") if at_edge or by_chance else lag.milliseconds


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    from research.evaluation.sections import our_generator

    parser = argparse.ArgumentParser(prog="python -m research.evaluation sync", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT)
    parser.add_argument("--each", action="store_true", help="every clip for itself: one may be out of step alone")
    arguments = parser.parse_args(argv)
    for table in section(arguments.data, our_generator(), arguments.each).tables:
        print(table.text())
    return 0
