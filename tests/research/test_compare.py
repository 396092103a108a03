# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of systems: one that copies the truth scores as the truth, one that gives up is counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import Speech
from core.face.basis import open_basis
from core.face.motion import MOTION_SIZE, Motion
from research.corpus.clips import Clip
from research.evaluation.accuracy import TruthClip
from research.evaluation.baselines import ConstantFace, face_motion
from research.evaluation.compare import TrackedTruth, common_clips, run_system, summarise_run
from research.evaluation.distort import blurred
from research.evaluation.sources import basis_floor, error_sources

FRAMES = 75


@dataclass(frozen=True, slots=True, eq=False)
class Copying:
    """Knows every clip's motion; gives up on the ones named."""

    vectors: dict[str, np.ndarray]
    gives_up_on: tuple[str, ...] = ()
    name: str = "copy"

    def motion(self, clip: Clip, speech: Speech) -> Motion | None:
        return None if clip.key in self.gives_up_on else face_motion(self.vectors[clip.key], open_basis())


def _truth(seed: int) -> TrackedTruth:
    rng = np.random.default_rng(seed)
    basis = open_basis()
    vectors = np.zeros((FRAMES, MOTION_SIZE))
    vectors[:, :20] = 0.3 * blurred(rng.normal(size=(FRAMES, 20)), 5)
    vectors[:, 50] = np.maximum(blurred(rng.uniform(-0.2, 0.5, FRAMES), 5), 0.0)
    displacement = basis.displacement(face_motion(vectors, basis)).astype(np.float64)
    clip = Clip("made", f"person{seed % 2}", Path(f"clip{seed}.mp4"))
    return TrackedTruth(TruthClip(clip, Speech(np.zeros(48_000, np.float32), "made"), displacement), vectors)


@pytest.fixture(scope="module")
def truths() -> list[TrackedTruth]:
    return [_truth(seed) for seed in range(4)]


def _copy(truths: list[TrackedTruth], *gives_up_on: str) -> Copying:
    return Copying({t.clip.clip.key: t.vectors for t in truths}, gives_up_on)


def test_copy_of_the_truth_scores_as_the_truth(truths: list[TrackedTruth]) -> None:
    run = run_system(_copy(truths), truths, open_basis())
    row = summarise_run(run, truths, common_clips([run]))
    assert row.correlation == pytest.approx(1.0, abs=1e-6)
    assert row.lip_error_mm < 0.01
    assert (row.precision, row.recall, row.lag_frames) == (1.0, 1.0, 0.0)
    assert row.ratios.opening == row.ratios.jaw == pytest.approx(1.0, abs=1e-3)
    assert row.diversity == pytest.approx(row.true_diversity)
    assert row.expression_frechet == pytest.approx(0.0, abs=1e-4)


def test_constant_face_is_as_bad_as_itself_and_dead(truths: list[TrackedTruth]) -> None:
    run = run_system(ConstantFace(), truths, open_basis())
    row = summarise_run(run, truths, common_clips([run]))
    assert row.lip_error_mm == pytest.approx(row.constant_error_mm)
    assert max(row.ratios.opening, row.diversity) < 1e-6
    assert row.upper_face_signed > 0


def test_systems_are_compared_on_clips_that_all_handled(truths: list[TrackedTruth]) -> None:
    lost = truths[1].clip.clip.key
    runs = [run_system(system, truths, open_basis()) for system in (ConstantFace(), _copy(truths, lost))]
    assert [run.skipped for run in runs] == [0, 1]
    assert common_clips(runs) == sorted(t.clip.clip.key for t in truths if t.clip.clip.key != lost)


def test_error_sources_of_a_copy_are_nothing(truths: list[TrackedTruth]) -> None:
    run, basis = run_system(_copy(truths), truths, open_basis()), open_basis()
    keys = common_clips([run])
    assert error_sources(run, truths, keys, basis).as_is < 0.01
    assert basis_floor(truths, keys, basis).as_is < 0.01
