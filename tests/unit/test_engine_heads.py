# SPDX-License-Identifier: GPL-3.0-or-later
"""Head motion through the engine's door, with a stand-in pose generator: settings, regenerating, banks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.engine.cache import ArtifactCache
from core.engine.jobs import JobRunner
from core.engine.pipeline import add_to_bank, generate_motion, ignore_progress, regenerate_head
from core.errors import ModelError, SettingsError
from core.exchange.protocol import BankJob, HeadJob
from core.exchange.request import BankRequest, MotionRequest
from core.exchange.results import read_bank_result, read_head_result, write_head_result
from core.pose.bank import PoseBank
from core.settings import HeadSettings
from tests.asking import ask
from tests.engine_bench import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return make_bench(tmp_path, monkeypatch)


def test_without_reference_the_head_moves_as_an_average_persons_and_a_note_says_so(bench: Bench) -> None:
    result = generate_motion(MotionRequest(bench.audio))
    assert bench.pose.asked[0][0] is None
    np.testing.assert_allclose(result.motion.head, 0.1)
    assert result.notes == ("No reference or style was given, so the head moves as an average person's.",)


def test_head_is_retrieved_by_the_references_pose_matrix(bench: Bench) -> None:
    result = generate_motion(MotionRequest(bench.audio, reference=bench.clip, head=HeadSettings(neighbours=2)))
    assert [neighbour.name for neighbour in result.neighbours] == ["Calm", "Lively"]
    assert result.style is not None and result.style.pose is not None
    assert (result.style.pose.unit_hash, result.style.pose.prior_hash) == ("units", "pose-prior")
    assert result.provenance.head == HeadSettings(neighbours=2)
    assert result.provenance.pose_hash == "pose-prior"


def test_head_settings_reach_the_generator(bench: Bench) -> None:
    pose = HeadSettings("reference", 1.5, 3, 0.5, 0.8, seed=4, dead_zone_radians=0.02)
    generate_motion(ask(bench.audio, reference=bench.clip, seed=7, head=pose))
    expected = dataclasses.replace(pose, seed=11)
    assert bench.pose.asked[0][1] == expected


def test_regenerating_gives_the_head_that_generating_would_and_leaves_the_face_alone(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = MotionRequest(bench.audio, reference=bench.clip)
    first = generate_motion(request, cache=cache)
    faces = len(bench.model.heard)
    other = dataclasses.replace(request, head=HeadSettings(seed=5))
    regenerated = regenerate_head(other, cache=cache)
    assert not np.array_equal(regenerated.head, first.motion.head)
    assert (len(bench.tracked_files), len(bench.model.heard)) == (1, faces)
    # the reference's sound once, and the speech once for both heads
    assert bench.pose.listened == [8.0, 3.0]
    whole = generate_motion(other, cache=cache)
    np.testing.assert_array_equal(regenerated.head, whole.motion.head)
    # the eyes hold their aim against the head
    np.testing.assert_array_equal(regenerated.gaze, whole.motion.gaze)
    assert not np.array_equal(regenerated.gaze, first.motion.gaze)
    np.testing.assert_array_equal(whole.motion.face_vector(), first.motion.face_vector())
    # what was seen of the reference belongs to the face, which keeps its own account of it
    assert whole.provenance.reference_quality
    told = regenerated.provenance.with_kept(whole.provenance, frozenset({"head", "eyes"}))
    assert (told, regenerated.neighbours, regenerated.notes) == (
        whole.provenance,
        whole.neighbours,
        whole.notes[len(whole.notes) - len(regenerated.notes) :],
    )


def test_regenerating_without_a_cache_tracks_the_reference(bench: Bench) -> None:
    assert len(regenerate_head(MotionRequest(bench.audio, reference=bench.clip)).head) == 75
    assert len(bench.tracked_files) == 1


def test_a_clip_joins_a_bank_file_of_its_own(bench: Bench) -> None:
    file = bench.folder / "banks" / "mine.safetensors"
    result = add_to_bank(BankRequest(file, reference=bench.clip, name="Ada"))
    assert (result.added, result.names) == ("Ada", ("Lively", "Calm", "Ada"))
    assert [entry.name for entry in PoseBank.load(file).entries] == ["Lively", "Calm", "Ada"]
    found = generate_motion(MotionRequest(bench.audio, reference=bench.clip, head=HeadSettings(bank=file)))
    assert [neighbour.name for neighbour in found.neighbours] == ["Ada"]


def test_a_saved_style_joins_a_bank_under_a_name_that_is_free(bench: Bench) -> None:
    style = generate_motion(MotionRequest(bench.audio, reference=bench.clip)).style
    assert style is not None
    style.save(bench.folder / "clip.safetensors")
    request = BankRequest(bench.folder / "mine.safetensors", style=bench.folder / "clip.safetensors")
    assert add_to_bank(request).added == "clip"
    before = request.bank.read_bytes()
    with pytest.raises(SettingsError, match="already has a style called clip"):
        add_to_bank(request)
    assert request.bank.read_bytes() == before


def test_a_style_without_pose_matrix_cannot_join_a_bank(bench: Bench) -> None:
    style = generate_motion(MotionRequest(bench.audio, reference=bench.clip)).style
    assert style is not None
    dataclasses.replace(style, pose=None).save(bench.folder / "old.safetensors")
    with pytest.raises(ModelError, match="no pose matrix"):
        add_to_bank(BankRequest(bench.folder / "mine.safetensors", style=bench.folder / "old.safetensors"))
    assert not (bench.folder / "mine.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"neighbours": 0}, "People Mixed is 0; it must lie between 1 and 16"),
        ({"temperature": 5.0}, "Liveliness is 5; it must lie between 0 and 2"),
        ({"top_p": 0.0}, "Surprises is 0"),
        ({"source": "moon"}, "no head pose called 'moon'"),
        ({"dead_zone_radians": 1.0}, r"Dead Zone is 57\.3 degrees; it must lie between 0 and 5\.73 degrees"),
    ],
)
def test_impossible_pose_settings_are_refused_in_words(change: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        HeadSettings(**change)  # type: ignore[arg-type]


def test_the_worker_answers_head_requests_and_additions(bench: Bench, tmp_path: Path) -> None:
    runner = JobRunner(ArtifactCache(bench.folder / "cache"))
    request = MotionRequest(bench.audio, reference=bench.clip)
    values = runner.run(HeadJob("1", str(tmp_path), request.to_json()), ignore_progress)
    np.testing.assert_array_equal(read_head_result(tmp_path, values).head, regenerate_head(request).head)
    bank = BankRequest(tmp_path / "mine.safetensors", reference=bench.clip, name="Ada")
    values = runner.run(BankJob("2", str(tmp_path), bank.to_json()), ignore_progress)
    assert read_bank_result(tmp_path, values).names == ("Lively", "Calm", "Ada")
    assert len(bench.tracked_files) == 2  # by regenerating without a cache above


def test_regenerated_head_crosses_the_job_folder_unchanged(bench: Bench, tmp_path: Path) -> None:
    result = regenerate_head(MotionRequest(bench.audio, reference=bench.clip))
    again = read_head_result(tmp_path, write_head_result(tmp_path, result))
    np.testing.assert_array_equal(again.head, result.head)
    np.testing.assert_array_equal(again.gaze, result.gaze)
    assert (again.provenance, again.neighbours, again.notes) == (result.provenance, result.neighbours, result.notes)
