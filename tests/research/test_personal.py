# SPDX-License-Identifier: GPL-3.0-or-later
"""The personal part of the benchmark, on made people whose manner is known: one talks large, one small."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import EngineError
from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE, Motion
from core.tracking.face_track import FaceTrack
from core.tracking.quality import QualityReport
from core.tracking.reference import TrackedReference
from research.evaluation.baselines import face_motion
from research.evaluation.distort import blurred
from research.evaluation.personal import Person, PersonalResult, PersonPart, measure_people, pose_score
from research.evaluation.speed import peak_memory_mb, run_python
from research.evaluation.stages import first_seconds, median_seconds

FRAMES = 250


def _vectors(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = np.zeros((FRAMES, MOTION_SIZE))
    vectors[:, :6] = 0.3 * blurred(rng.normal(size=(FRAMES, 6)), 5)
    vectors[:, 50] = np.maximum(blurred(rng.uniform(-0.1, 0.4, FRAMES), 5), 0.0)
    return vectors


def _part(person: str, size: float, seed: int) -> PersonPart:
    basis = open_basis()
    rng = np.random.default_rng(seed)
    motion = face_motion(size * _vectors(seed), basis)
    motion = motion.replace(head=(0.1 * size * blurred(rng.normal(size=(FRAMES, 3)), 15)).astype(np.float32))
    # the speech's own name tells the generator which sentence it is
    speech = Speech(rng.normal(0, 0.1, FRAMES * SAMPLE_RATE // 25).astype(np.float32), str(seed))
    track = FaceTrack(
        landmarks=np.zeros((FRAMES, 478, 3), np.float32),
        seconds=np.arange(FRAMES) / 25,
        valid=np.ones(FRAMES, bool),
        faces_seen=np.ones(1, np.int32),
        cuts=np.zeros(0, np.int64),
        frame_width=100,
        frame_height=100,
        source=person,
    )
    landmarks = basis.landmarks(motion.replace(head=np.zeros_like(motion.head)))
    report = QualityReport(person, 10.0, 25.0, 0.0, 100.0, 0.1, 0.0, 0.0, 1.0)
    weights = np.ones(FRAMES, np.float32)
    return PersonPart(person, TrackedReference(motion, track, speech, report, landmarks, basis.neutral, weights))


@dataclass(frozen=True, slots=True)
class MiddleTalker:
    """Says every sentence right, in nobody's manner."""

    hash: str = "made"

    def generate(self, speech: Speech) -> Motion:
        return face_motion(_vectors(int(speech.source)), open_basis())


@pytest.fixture(scope="module")
def result() -> PersonalResult:
    people = [
        Person(name, _part(name, size, seed), (_part(name, size, seed + 1), _part(name, size, seed + 2)))
        for name, size, seed in (("large", 1.6, 10), ("small", 0.5, 20))
    ]
    return measure_people(people, MiddleTalker())


def test_style_brings_the_lips_nearer_to_the_person(result: PersonalResult) -> None:
    for row in result.people:
        assert row.parts == 2
        assert row.styled_error_mm < row.plain_error_mm
        assert row.styled_own_distance < row.plain_own_distance


def test_people_are_named_right_by_their_own_motion_and_by_the_styled_one(result: PersonalResult) -> None:
    assert result.truth.accuracy == result.truth.own_closer == 1.0
    assert result.styled.accuracy == 1.0
    # without a reference all sound alike
    assert result.plain.accuracy == result.plain.chance == 0.5


def test_moving_head_is_nearer_than_a_still_one(result: PersonalResult) -> None:
    for row in result.poses:
        assert row.frechet < row.still_frechet
        assert row.spread == pytest.approx(row.true_spread, rel=0.5)


def test_copied_head_has_no_distance() -> None:
    head = [np.random.default_rng(1).normal(size=(100, 3))]
    row = pose_score("a", head, head)
    assert row.frechet == pytest.approx(0.0, abs=1e-6)
    assert row.spread == row.true_spread


def test_speech_is_cut_or_repeated_to_the_length_asked_for() -> None:
    speech = Speech(np.arange(3 * SAMPLE_RATE, dtype=np.float32), "made")
    assert first_seconds(speech, 2.0).seconds == pytest.approx(2.0)
    longer = first_seconds(speech, 7.0)
    assert longer.seconds == pytest.approx(7.0)
    assert longer.samples[3 * SAMPLE_RATE] == 0.0


def test_median_leaves_the_warm_up_out() -> None:
    calls: list[int] = []
    assert median_seconds(lambda: calls.append(1), runs=3) >= 0.0
    assert len(calls) == 4


def test_peak_memory_is_the_process_own_and_not_its_parent_s() -> None:
    ballast = np.ones(40_000_000)
    done = run_python(Path(sys.executable), "from research.evaluation.speed import peak_memory_mb as p; print(p())")
    assert float(done.stdout) < peak_memory_mb() - 200
    assert len(ballast)


def test_process_that_hangs_is_ended() -> None:
    with pytest.raises(EngineError, match="did not end"):
        run_python(Path(sys.executable), "import time; time.sleep(60)", limit_seconds=0.5)
