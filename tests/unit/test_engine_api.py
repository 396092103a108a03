# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's entry with a stand-in model and tracker: order, refusals, caching, provenance."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.audio.speech import SAMPLE_RATE
from core.engine.cache import ArtifactCache
from core.engine.pipeline import generate_motion, track_reference
from core.errors import CancelledError, MediaError, ModelError, SettingsError
from core.exchange.media_range import MediaRange
from core.exchange.provenance import Provenance
from core.exchange.request import BankRequest, MotionRequest
from core.exchange.results import read_motion_result, write_motion_result
from core.settings import EyesSettings, FaceSettings, HeadSettings
from core.tracking.face_track import FaceTrack
from core.tracking.reference_file import load_reference, save_reference
from tests.asking import ask
from tests.engine_bench import Bench, make_bench, tracked
from tests.media import tone, write_audio


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return make_bench(tmp_path, monkeypatch)


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


def test_saved_style_gives_the_same_motion_as_its_reference(bench: Bench) -> None:
    first = generate_motion(ask(bench.audio, reference=bench.clip, seed=3))
    assert first.style is not None
    first.style.save(bench.folder / "clip.safetensors")
    again = generate_motion(ask(bench.audio, style=bench.folder / "clip.safetensors", seed=3))
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
    heads = [generate_motion(ask(long, reference=bench.clip, seed=s)).motion.head for s in (1, 1, 2)]
    np.testing.assert_array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[0], heads[2])


def test_reference_is_tracked_and_encoded_once(bench: Bench) -> None:
    cache = ArtifactCache(bench.folder / "cache")
    request = MotionRequest(bench.audio, reference=bench.clip)
    first = generate_motion(request, cache=cache)
    second = generate_motion(request, cache=cache)
    assert len(bench.tracked_files) == 1
    # the three seconds of speech once for both, in the style and plain
    assert bench.model.heard == [1.0, 8.0, 3.0]
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
        ({"engine": "talker"}, "no engine called 'talker'; there are: adamesh, mimic"),
        ({"style_mix": 2.0, "engine": "mimic"}, "Mix is 2; it must lie between 0 and 1"),
        ({"second_style": Path("b"), "style": Path("a")}, "engine adamesh cannot mix two styles. Choose mimic"),
        ({"second_style": Path("b.x"), "engine": "mimic"}, "second style b.x has no first"),
        ({"device": "tpu"}, "no device called 'tpu'"),
        ({"style_strength": 2.0}, "Style Strength is 2; it must lie between 0 and 1.5"),
        ({"style_strength": float("nan")}, "Style Strength is nan"),
        ({"head_amount": -1.0}, "Head Motion is -1"),
        ({"head_amount": 2.5}, "Head Motion is 2.5; it must lie between 0 and 2"),
        ({"reference": MediaRange(Path("a.mp4")), "style": Path("b")}, "Both a reference clip and a style"),
    ],
)
def test_impossible_requests_are_refused_in_words(change: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        ask(MediaRange(Path("talk.wav")), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (2.0, 2.0), (3.0, 1.0), (float("nan"), None)])
def test_impossible_ranges_are_refused(start: float, end: float | None) -> None:
    with pytest.raises(SettingsError, match=r"talk\.wav"):
        MediaRange(Path("talk.wav"), start, end)


def test_request_survives_json_with_absolute_paths() -> None:
    request = ask(
        MediaRange(Path("/a/talk.wav"), 0.5, 2.0),
        MediaRange(Path("/b/clip.mp4"), 1.0),
        seed=9,
        head=HeadSettings(neighbours=4, seed=2, bank=Path("/c/bank.safetensors")),
    )
    assert MotionRequest.from_json(request.to_json()) == request
    bank = BankRequest(Path("/c/bank.safetensors"), MediaRange(Path("/b/clip.mp4"), 1.0), name="Ada")
    assert BankRequest.from_json(bank.to_json()) == bank
    mixing = ask(
        MediaRange(Path("/a/talk.wav")),
        style=Path("/s/ada"),
        engine="mimic",
        second_style=Path("/s/bob"),
        style_mix=0.25,
    )
    assert MotionRequest.from_json(mixing.to_json()) == mixing
    relative = MotionRequest.from_json(MotionRequest(MediaRange(Path("talk.wav"))).to_json())
    assert relative.audio.path == Path.cwd() / "talk.wav"


FIRST_LAYOUT = {
    "engine": "mimic",
    "seed": 9,
    "style_strength": 0.5,
    "head_amount": 1.5,
    "pose": {"source": "bank", "k": 3, "temperature": 0.5, "top_p": 0.9, "seed": 2, "dead_zone_radians": 0.01},
    "blinks": False,
    "gaze_amount": 0.25,
}


def test_requests_and_provenance_of_the_first_versions_can_be_read() -> None:
    media = {"path": "/a/talk.wav", "start_seconds": 0.0, "end_seconds": None}
    old = {"audio": media, "reference": None, "style": None, "device": "cpu", **FIRST_LAYOUT}
    head = HeadSettings("bank", 1.5, 3, 0.5, 0.9, 2, 0.01)
    expected = ask(
        MediaRange(Path("/a/talk.wav")),
        engine="mimic",
        seed=9,
        style_strength=0.5,
        device="cpu",
        blinks=False,
        gaze_amount=0.25,
        head=head,
    )
    assert MotionRequest.from_json(old) == expected
    facts = {"audio_source": "a", "audio_hash": "b", "audio_seconds": 1.0, "model_hash": "m", "basis_hash": "f"}
    found = Provenance.from_json({**facts, **FIRST_LAYOUT, "second_style_name": "bob", "style_mix": 0.25})
    assert (found.face.engine, found.run.seed, found.head, found.mixed_in) == ("mimic", 9, head, "25% of bob")
    before_the_eyes = Provenance.from_json({**facts, "engine": "adamesh", "seed": 1, "style_strength": 1.0})
    assert before_the_eyes.eyes == EyesSettings(blinks=False, gaze_amount=0.0)


def test_provenance_survives_json_and_values_that_a_newer_version_wrote(bench: Bench) -> None:
    made = generate_motion(ask(bench.audio, seed=3, gaze_amount=0.5)).provenance
    assert Provenance.from_json(made.to_json()) == made
    newer = made.to_json() | {"face": {"engine": "not yet", "style_strength": 9.0, "unknown": 1}}
    assert Provenance.from_json(newer).face == FaceSettings()
    with pytest.raises(SettingsError, match="where a motion came from"):
        Provenance.from_json({"engine": "adamesh"})


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


def test_blinks_and_gaze_can_be_switched_off(bench: Bench) -> None:
    long = MediaRange(bench.folder / "long.wav")
    write_audio(long.path, tone(20.0)[None], SAMPLE_RATE, "pcm_s16le")
    lively = generate_motion(MotionRequest(long)).motion
    still = generate_motion(ask(long, blinks=False, gaze_amount=0.0)).motion
    assert lively.gaze.any() and not still.gaze.any()
    assert np.abs(lively.expression - still.expression).max() > 0.1
    np.testing.assert_array_equal(lively.jaw, still.jaw)


def test_eyes_of_the_request_cross_the_protocol(bench: Bench) -> None:
    request = ask(bench.audio, blinks=False, gaze_amount=0.5)
    assert MotionRequest.from_json(request.to_json()) == dataclasses.replace(
        request, audio=MediaRange.from_json(request.audio.to_json())
    )
    with pytest.raises(SettingsError, match="Gaze is 3"):
        ask(bench.audio, gaze_amount=3.0)


def test_at_style_strength_zero_nothing_is_trained_and_a_note_says_so(bench: Bench) -> None:
    result = generate_motion(ask(bench.audio, reference=bench.clip, style_strength=0.0))
    assert bench.adapted == []
    assert any("strength 0" in note for note in result.notes)
    generate_motion(ask(bench.audio, reference=bench.clip, style_strength=0.5))
    assert bench.adapted == ["clip"]
