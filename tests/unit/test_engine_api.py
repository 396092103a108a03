# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's entry with a stand-in model and tracker: order, refusals, caching, provenance."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE, Speech
from core.engine import models
from core.engine.api import (
    BankRequest,
    MediaRange,
    MotionRequest,
    PoseRequest,
    add_to_bank,
    generate_motion,
    roll_head,
    track_reference,
)
from core.engine.cache import ArtifactCache
from core.engine.jobs import read_head_result, read_motion_result, write_head_result, write_motion_result
from core.engine.reference_file import load_reference, save_reference
from core.errors import CancelledError, MediaError, ModelError, SettingsError
from core.face.basis import open_basis
from core.face.motion import Motion
from core.pose.bank import BankEntry, PoseBank
from core.pose.settings import PoseReference, PoseSettings
from core.pose.speech_steps import HeardSpeech
from core.pose.statistics import STATISTICS
from core.pose.style_matrix import StyleMatrix
from core.tracking import reference as tracking
from core.tracking.face_track import FaceTrack
from core.tracking.quality import QualityReport
from core.tracking.reference import TrackedReference
from tests.media import tone, write_audio


def moving(frames: int, swing: float) -> Motion:
    basis = open_basis()
    time = np.arange(frames) / 25.0
    expression, jaw = np.zeros((frames, 50), np.float32), np.zeros((frames, 3), np.float32)
    expression[:, 0] = swing * np.sin(12 * time)
    jaw[:, 0] = 0.1 * swing * np.maximum(np.sin(12 * time), 0)
    head = np.stack([0.05 * np.sin(2 * time)] * 3, axis=1).astype(np.float32)
    return Motion(25.0, expression, jaw, head, np.zeros((frames, 2, 2), np.float32), basis.name, basis.hash)


class StandInModel:
    """Frames in step with the sound; counts how often it is asked."""

    hash = "stand-in"

    def __init__(self) -> None:
        self.heard: list[float] = []

    def generate(self, speech: Speech, progress: object = None) -> Motion:
        self.heard.append(speech.seconds)
        frames = int(np.ceil(speech.seconds * 25))
        return moving(frames, 1.0).replace(head=np.zeros((frames, 3), np.float32))


class StandInPose:
    """A pose generator whose head sways by its seed; remembers what it was asked."""

    hash = "pose-prior"

    def __init__(self, bank: PoseBank) -> None:
        self.bank = bank
        self.units = SimpleNamespace(hash="units", encoder_hash="encoder")
        self.listened: list[float] = []
        self.asked: list[tuple[PoseReference | None, PoseSettings]] = []

    def with_bank(self, bank: PoseBank) -> StandInPose:
        self.bank = bank
        return self

    def listen(self, speech: Speech) -> HeardSpeech:
        self.listened.append(speech.seconds)
        count = 2 * int(np.ceil(speech.seconds * 25))
        return HeardSpeech(np.zeros((count, 2), np.float32), np.zeros((count, 4), np.float32))

    def matrix(self, heard: HeardSpeech, head: np.ndarray) -> StyleMatrix:
        return StyleMatrix(np.full((2, 3), float(np.abs(head).mean()), np.float32), np.ones(2, np.float32))

    def embed(self, statistics: np.ndarray) -> np.ndarray:
        return np.zeros(2, np.float32)

    def generate(
        self, heard: HeardSpeech, reference: PoseReference | None, settings: PoseSettings, progress: object = None
    ) -> SimpleNamespace:
        self.asked.append((reference, settings))
        head = np.full((heard.frames, 3), 0.01 * settings.seed + 0.1, np.float32) * settings.amount
        found = self.bank.retrieve(reference.matrix, settings.k).neighbours if reference and reference.matrix else ()
        return SimpleNamespace(head=head, neighbours=found)


def small_bank() -> PoseBank:
    """Two people: one near any matrix of small numbers, one far."""
    entries = tuple(
        BankEntry(
            name,
            name,
            StyleMatrix(np.full((2, 3), level, np.float32), np.ones(2, np.float32)),
            np.zeros(2, np.float32),
            np.zeros(len(STATISTICS), np.float32),
            "made for a test",
        )
        for name, level in (("Lively", 9.0), ("Calm", 0.1))
    )
    return PoseBank(entries, np.ones(3, np.float32), "pose-prior", "units")


def tracked(path: Path) -> TrackedReference:
    motion = moving(200, 1.4)
    points = np.random.default_rng(0).normal(size=(200, 478, 3)).astype(np.float32)
    times = np.arange(200) / 25.0
    track = FaceTrack(
        points, times, np.ones(200, bool), np.ones(3, np.int32), np.zeros(0, np.int64), 640, 480, str(path)
    )
    speech = Speech(tone(8.0), str(path))
    report = QualityReport(str(path), 8.0, 25.0, 0.0, 200.0, 0.3, 2.0, 0.04, 0.9, ("Noisy.",))
    return TrackedReference(motion, track, speech, report, points, points[0], np.ones(200, np.float32))


@dataclasses.dataclass
class Bench:
    """Real sound file, stand-ins for the slow parts."""

    folder: Path
    model: StandInModel
    tracked_files: list[Path]
    pose: StandInPose

    @property
    def audio(self) -> MediaRange:
        return MediaRange(self.folder / "talk.wav")

    @property
    def clip(self) -> MediaRange:
        return MediaRange(self.folder / "clip.mp4")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    found = Bench(tmp_path, StandInModel(), [], StandInPose(small_bank()))
    write_audio(tmp_path / "talk.wav", tone(3.0)[None], SAMPLE_RATE, "pcm_s16le")
    (tmp_path / "clip.mp4").write_bytes(b"stands for a video")
    monkeypatch.setattr(models, "expression_generator", lambda device: found.model)
    monkeypatch.setattr(models, "pose_generator", lambda: found.pose)
    models.release_heard()

    def track(path: Path, start: float, end: float | None, progress: object, expected_opening: object) -> object:
        found.tracked_files.append(path)
        progress(0.5)  # type: ignore[operator]
        expected_opening(Speech(tone(1.0), "x"))  # type: ignore[operator]
        return tracked(path)

    monkeypatch.setattr(tracking, "track_reference", track)
    return found


def test_motion_has_a_frame_for_all_of_the_sound(bench: Bench) -> None:
    result = generate_motion(MotionRequest(bench.audio))
    assert len(result.motion) == 75 and result.motion.fps == 25.0
    assert list(result.stage_seconds) == ["audio", "style", "motion", "head"]


def test_range_of_the_sound_is_respected(bench: Bench) -> None:
    result = generate_motion(MotionRequest(MediaRange(bench.audio.path, 1.0, 2.2)))
    assert len(result.motion) == 30


def test_reference_gives_style_head_and_report(bench: Bench) -> None:
    result = generate_motion(MotionRequest(bench.audio, reference=bench.clip))
    assert result.style_name == "clip"
    assert result.motion.head.any()
    assert result.reference_report is not None and result.reference_report.warnings == ("Noisy.",)
    assert list(result.stage_seconds) == ["audio", "track", "style", "motion", "head"]
    assert result.provenance.style_id == (result.style.id if result.style else None)


def test_without_reference_the_head_moves_as_an_average_persons_and_a_note_says_so(bench: Bench) -> None:
    result = generate_motion(MotionRequest(bench.audio))
    assert bench.pose.asked[0][0] is None
    np.testing.assert_allclose(result.motion.head, 0.1)
    assert result.notes == ("No reference or style was given, so the head moves as an average person's.",)


def test_head_is_retrieved_by_the_references_pose_matrix(bench: Bench) -> None:
    result = generate_motion(MotionRequest(bench.audio, reference=bench.clip, pose=PoseRequest(k=2)))
    assert [neighbour.name for neighbour in result.neighbours] == ["Calm", "Lively"]
    assert result.style is not None and result.style.pose is not None
    assert (result.style.pose.unit_hash, result.style.pose.prior_hash) == ("units", "pose-prior")
    assert result.provenance.pose == PoseRequest(k=2)
    assert result.provenance.pose_hash == "pose-prior"


def test_head_settings_reach_the_generator(bench: Bench) -> None:
    pose = PoseRequest("reference", 3, 0.5, 0.8, seed=4, stillness_radians=0.02)
    generate_motion(MotionRequest(bench.audio, reference=bench.clip, seed=7, head_amount=1.5, pose=pose))
    expected = PoseSettings(3, 0.5, 0.8, seed=11, amount=1.5, stillness_radians=0.02, source="reference")
    assert bench.pose.asked[0][1] == expected


def test_rolling_gives_the_head_that_generating_would_and_leaves_the_face_alone(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = MotionRequest(bench.audio, reference=bench.clip)
    first = generate_motion(request, cache=cache)
    faces = len(bench.model.heard)
    other = dataclasses.replace(request, pose=PoseRequest(seed=5))
    rolled = roll_head(other, cache=cache)
    assert not np.array_equal(rolled.head, first.motion.head)
    assert (len(bench.tracked_files), len(bench.model.heard)) == (1, faces)
    # the reference's sound once, and the speech once for both heads
    assert bench.pose.listened == [8.0, 3.0]
    whole = generate_motion(other, cache=cache)
    np.testing.assert_array_equal(rolled.head, whole.motion.head)
    np.testing.assert_array_equal(whole.motion.face_vector(), first.motion.face_vector())
    assert (rolled.provenance, rolled.neighbours, rolled.notes) == (
        whole.provenance,
        whole.neighbours,
        whole.notes[len(whole.notes) - len(rolled.notes) :],
    )


def test_rolling_without_a_cache_tracks_the_reference(bench: Bench) -> None:
    assert len(roll_head(MotionRequest(bench.audio, reference=bench.clip)).head) == 75
    assert len(bench.tracked_files) == 1


def test_a_clip_joins_a_bank_file_of_its_own(bench: Bench) -> None:
    file = bench.folder / "banks" / "mine.safetensors"
    result = add_to_bank(BankRequest(file, reference=bench.clip, name="Ada"))
    assert (result.added, result.names) == ("Ada", ("Lively", "Calm", "Ada"))
    assert [entry.name for entry in PoseBank.load(file).entries] == ["Lively", "Calm", "Ada"]
    found = generate_motion(MotionRequest(bench.audio, reference=bench.clip, pose=PoseRequest(bank=file)))
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


def test_saved_style_gives_the_same_motion_as_its_reference(bench: Bench) -> None:
    first = generate_motion(MotionRequest(bench.audio, reference=bench.clip, seed=3))
    assert first.style is not None
    first.style.save(bench.folder / "clip.safetensors")
    again = generate_motion(MotionRequest(bench.audio, style=bench.folder / "clip.safetensors", seed=3))
    np.testing.assert_array_equal(again.motion.face_vector(), first.motion.face_vector())
    np.testing.assert_array_equal(again.motion.head, first.motion.head)
    assert again.provenance.style_id == first.provenance.style_id


def test_style_of_another_model_is_used_with_a_note(bench: Bench) -> None:
    style = generate_motion(MotionRequest(bench.audio, reference=bench.clip)).style
    assert style is not None
    old = dataclasses.replace(style, provenance=dataclasses.replace(style.provenance, model_hash="older"))
    old.save(bench.folder / "old.safetensors")
    result = generate_motion(MotionRequest(bench.audio, style=bench.folder / "old.safetensors"))
    assert any("another speech model" in note for note in result.notes)


def test_same_request_gives_the_same_motion_and_another_seed_another_head(bench: Bench) -> None:
    long = MediaRange(bench.folder / "long.wav")
    write_audio(long.path, tone(20.0)[None], SAMPLE_RATE, "pcm_s16le")
    heads = [generate_motion(MotionRequest(long, reference=bench.clip, seed=s)).motion.head for s in (1, 1, 2)]
    np.testing.assert_array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[0], heads[2])


def test_reference_is_tracked_and_heard_once(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = MotionRequest(bench.audio, reference=bench.clip)
    first = generate_motion(request, cache=cache)
    second = generate_motion(request, cache=cache)
    assert len(bench.tracked_files) == 1
    assert bench.model.heard == [1.0, 8.0, 3.0, 3.0]
    np.testing.assert_array_equal(first.motion.face_vector(), second.motion.face_vector())
    assert second.reference_report == first.reference_report
    bench.clip.path.write_bytes(b"another take under the same name")
    generate_motion(request, cache=cache)
    assert len(bench.tracked_files) == 2


def test_tracking_alone_fills_the_same_cache(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    track_reference(bench.clip, cache=cache)
    generate_motion(MotionRequest(bench.audio, reference=bench.clip), cache=cache)
    assert len(bench.tracked_files) == 1


def test_progress_rises_through_the_stages_to_the_end(bench: Bench) -> None:
    seen: list[tuple[str, float]] = []
    generate_motion(MotionRequest(bench.audio, reference=bench.clip), lambda *step: seen.append(step))
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0 and fractions[-1] == pytest.approx(1.0)
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["audio", "track", "style", "motion", "head"]


def test_callback_cancels(bench: Bench) -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage == "track":
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        generate_motion(MotionRequest(bench.audio, reference=bench.clip), cancel)
    assert bench.model.heard == []


def test_silence_and_missing_files_are_refused_before_the_model_runs(bench: Bench) -> None:
    silent = MediaRange(bench.folder / "silent.wav")
    write_audio(silent.path, np.zeros((1, 16000), np.float32), SAMPLE_RATE, "pcm_s16le")
    with pytest.raises(MediaError, match=r"silent\.wav is silent"):
        generate_motion(MotionRequest(silent))
    with pytest.raises(MediaError, match=r"gone\.wav does not exist"):
        generate_motion(MotionRequest(MediaRange(bench.folder / "gone.wav")))
    cache = ArtifactCache(bench.folder / "cache")
    with pytest.raises(MediaError, match=r"gone\.mp4 does not exist"):
        generate_motion(MotionRequest(bench.audio, reference=MediaRange(bench.folder / "gone.mp4")), cache=cache)
    with pytest.raises(ModelError, match=r"gone\.safetensors"):
        generate_motion(MotionRequest(bench.audio, style=bench.folder / "gone.safetensors"))
    assert bench.model.heard == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"engine": "mimic"}, "no engine called 'mimic'; there is: adamesh"),
        ({"device": "tpu"}, "no device called 'tpu'"),
        ({"style_strength": 2.0}, "style strength is 2"),
        ({"style_strength": float("nan")}, "style strength is nan"),
        ({"head_amount": -1.0}, "head amount is -1"),
        ({"head_amount": 2.5}, "head amount is 2.5"),
        ({"reference": MediaRange(Path("a.mp4")), "style": Path("b")}, "Both a reference clip and a style"),
    ],
)
def test_impossible_requests_are_refused_in_words(change: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        MotionRequest(MediaRange(Path("talk.wav")), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"k": 0}, "mixed pose styles is 0"),
        ({"temperature": 5.0}, "temperature is 5"),
        ({"top_p": 0.0}, "top-p is 0"),
        ({"source": "moon"}, "no head source called 'moon'"),
        ({"stillness_radians": 1.0}, "stillness floor is 1"),
    ],
)
def test_impossible_pose_settings_are_refused_in_words(change: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        PoseRequest(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (2.0, 2.0), (3.0, 1.0), (float("nan"), None)])
def test_impossible_ranges_are_refused(start: float, end: float | None) -> None:
    with pytest.raises(SettingsError, match=r"talk\.wav"):
        MediaRange(Path("talk.wav"), start, end)


def test_request_survives_json_with_absolute_paths() -> None:
    request = MotionRequest(
        MediaRange(Path("/a/talk.wav"), 0.5, 2.0),
        MediaRange(Path("/b/clip.mp4"), 1.0),
        seed=9,
        head_amount=0.5,
        pose=PoseRequest(k=4, seed=2, bank=Path("/c/bank.safetensors")),
    )
    assert MotionRequest.from_json(request.to_json()) == request
    bank = BankRequest(Path("/c/bank.safetensors"), MediaRange(Path("/b/clip.mp4"), 1.0), name="Ada")
    assert BankRequest.from_json(bank.to_json()) == bank
    relative = MotionRequest.from_json(MotionRequest(MediaRange(Path("talk.wav"))).to_json())
    assert relative.audio.path == Path.cwd() / "talk.wav"


def test_nonsense_request_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="no motion request"):
        MotionRequest.from_json({"audio": {"path": "a", "start_seconds": 0.0, "end_seconds": None}})
    with pytest.raises(SettingsError, match="no media range"):
        MediaRange.from_json({"path": 3})


def test_result_crosses_the_job_folder_unchanged(bench: Bench, tmp_path: Path) -> None:
    result = generate_motion(MotionRequest(bench.audio, reference=bench.clip))
    folder = tmp_path / "job"
    folder.mkdir()
    again = read_motion_result(folder, write_motion_result(folder, result))
    np.testing.assert_array_equal(again.motion.face_vector(), result.motion.face_vector())
    np.testing.assert_array_equal(again.motion.head, result.motion.head)
    assert again.provenance == result.provenance and again.notes == result.notes
    assert again.neighbours == result.neighbours != ()
    assert again.reference_report == result.reference_report
    assert again.style is not None and result.style is not None and again.style.id == result.style.id


def test_rolled_head_crosses_the_job_folder_unchanged(bench: Bench, tmp_path: Path) -> None:
    result = roll_head(MotionRequest(bench.audio, reference=bench.clip))
    again = read_head_result(tmp_path, write_head_result(tmp_path, result))
    np.testing.assert_array_equal(again.head, result.head)
    assert (again.provenance, again.neighbours, again.notes) == (result.provenance, result.neighbours, result.notes)


@pytest.mark.parametrize("with_sound", [True, False])
def test_tracked_reference_survives_its_file(with_sound: bool, tmp_path: Path) -> None:
    original = tracked(Path("clip.mp4"))
    if not with_sound:
        original = dataclasses.replace(original, speech=None)
    save_reference(tmp_path / "r.npz", original)
    found = load_reference(tmp_path / "r.npz")
    assert found.report == original.report
    for name in ("landmarks", "neutral", "weights"):
        np.testing.assert_array_equal(getattr(found, name), getattr(original, name))
    for item in dataclasses.fields(FaceTrack):
        np.testing.assert_array_equal(getattr(found.track, item.name), getattr(original.track, item.name))
    np.testing.assert_array_equal(found.motion.face_vector(), original.motion.face_vector())
    if original.speech is None:
        assert found.speech is None
    else:
        assert found.speech is not None and found.speech.hash == original.speech.hash
