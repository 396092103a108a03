# SPDX-License-Identifier: GPL-3.0-or-later
"""Files from the field, made by ffmpeg on the spot: what each must give. ``tests/field_media.sh`` makes them."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE, Speech
from core.errors import MediaError, ReferenceClipError
from core.face.landmarks import EYE_OUTER_LEFT, EYE_OUTER_RIGHT
from core.tracking import survey
from core.tracking.reference import TrackedReference, track_reference
from core.tracking.video import read_frames

ROOT = Path(__file__).resolve().parents[2]
INPUT = ROOT / "demo" / "input"

# containers and codecs that people bring, which say where their sound begins
KINDS = (
    *("vorbis.ogg", "opus.ogg", "opus.webm", "flac24.flac", "alac.m4a", "aac.m4b", "aac.3gp", "vbr.mp3"),
    *("float64.wav", "int24.wav", "unsigned8.wav", "a-law.wav", "adpcm.wav", "big-endian.aiff", "apple.caf"),
    *("wavpack.wv", "telephone.wav", "studio.wav", "right.wav", "apple.mov"),
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the files"),
]
needs_tracker = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None, reason="the tracker is not installed in this Python"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("field")
    script = [str(ROOT / "tests" / "field_media.sh"), str(folder)]
    subprocess.run(["bash", *script, str(INPUT / "speech.ogg"), str(INPUT / "reference.mp4")], check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def spoken(files: Path) -> Speech:
    """What all the sounds are made of."""
    return load_speech(files / "s.wav")


@pytest.fixture(scope="module")
def plain(files: Path) -> TrackedReference:
    """What all the pictures are made of."""
    return track_reference(files / "v.mp4")


def lag_seconds(samples: np.ndarray, source: np.ndarray) -> float:
    size = 1 << (len(samples) + len(source)).bit_length()
    product = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(source, size))
    lag = int(np.fft.irfft(product, size).argmax())
    return (lag if lag < size // 2 else lag - size) / SAMPLE_RATE


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("ch8.wav", ()),
        ("centre51.wav", ()),
        ("one_nan.wav", ("1 sample of one_nan.wav were no numbers (from 1.25 s on) and were repaired.",)),
        ("one_inf.wav", ("1 sample of one_inf.wav were no numbers (from 1.25 s on) and were repaired.",)),
        (
            "two_tracks.mp4",
            ("two_tracks.mp4 has 2 sound tracks; track 2 is used (the file's default). Another can be chosen.",),
        ),
        ("latin1_tag.mp3", ()),
        *((name, ()) for name in KINDS),
    ],
)
def test_the_speech_comes_out_at_its_time_and_level(
    files: Path, spoken: Speech, name: str, notes: tuple[str, ...]
) -> None:
    speech = load_speech(files / name)
    assert lag_seconds(speech.samples, spoken.samples) == pytest.approx(0.0, abs=0.002)
    assert speech.seconds == pytest.approx(5.0, abs=0.11)
    level = float(np.sqrt((speech.samples**2).mean() / (spoken.samples**2).mean()))
    assert level == pytest.approx(1.0, abs=0.08)
    assert speech.notes == notes


def test_channels_that_are_nearly_opposed_leave_the_louder_alone(files: Path, spoken: Speech) -> None:
    speech = load_speech(files / "opposed.wav")
    assert "channels of opposed.wav cancel each other; channel 1 is used alone" in speech.notes[0]
    np.testing.assert_allclose(speech.samples, spoken.samples[: len(speech.samples)], atol=2e-3)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("protected.mp4", "it is copy-protected, and only its own player may read it"),
        ("animated.webp", "it is an animated WebP picture, which our decoder does not know"),
        ("unfinished.mp4", "its index is missing: the recording was not finished, or the copy is cut off"),
        ("empty.mp4", r"is empty \(0 bytes\)"),
        ("page.mp4", "damaged, cut off or of another kind than its name says"),
    ],
)
def test_what_cannot_be_read_says_why(files: Path, name: str, said: str) -> None:
    with pytest.raises(MediaError, match=said):
        next(read_frames(files / name))


def test_protected_sound_says_so(files: Path) -> None:
    with pytest.raises(MediaError, match="it is copy-protected"):
        load_speech(files / "protected.mp4")


@needs_tracker
def test_a_single_picture_is_no_reference(files: Path) -> None:
    with pytest.raises(ReferenceClipError, match=r"still\.png is a single picture"):
        track_reference(files / "still.png")


def test_what_follows_a_hole_is_as_late_as_what_was_before_it(files: Path, spoken: Speech) -> None:
    speech = load_speech(files / "hole.mkv")
    before = lag_seconds(speech.samples[:24000], spoken.samples[:24000])
    after = lag_seconds(speech.samples[42000:], spoken.samples[42000:])
    # Matroska does not say how long an AAC encoder's priming is: 1,024 samples
    assert before == pytest.approx(after, abs=0.002) and 0.0 <= before < 0.07
    assert np.abs(speech.samples[28000:38000]).max() < 1e-3
    assert speech.notes == ("hole.mkv has holes in its sound (1.0 s from 1.60 s on); they are silent.",)


def test_sound_that_starts_late_in_its_file_stays_late(files: Path) -> None:
    late, plain = load_speech(files / "late_sound.mkv"), load_speech(files / "v.mp4")
    assert lag_seconds(late.samples, plain.samples) == pytest.approx(0.5, abs=0.03)


def test_a_rate_that_changes_inside_is_decoded_on(files: Path, spoken: Speech) -> None:
    speech = load_speech(files / "rate_changes.mp3")
    assert speech.seconds == pytest.approx(10.0, abs=0.15)
    for begin in (0, 5):
        part = speech.samples[begin * SAMPLE_RATE : (begin + 5) * SAMPLE_RATE]
        assert lag_seconds(part, spoken.samples) == pytest.approx(0.0, abs=0.15)


@needs_tracker
def test_pixels_that_are_not_square_do_not_change_the_face(files: Path, plain: TrackedReference) -> None:
    wide = track_reference(files / "sar43.mp4")

    def eyes(reference: TrackedReference) -> float:
        points = reference.track.landmarks[reference.track.valid]
        return float(np.median(np.linalg.norm(points[:, EYE_OUTER_LEFT] - points[:, EYE_OUTER_RIGHT], axis=1)))

    assert eyes(wide) == pytest.approx(eyes(plain), rel=0.03)


@needs_tracker
def test_sixty_pictures_a_second_give_the_motion_of_twenty_five(files: Path, plain: TrackedReference) -> None:
    fast = track_reference(files / "v60.mp4")
    assert fast.report.fps == pytest.approx(60.0, abs=0.5)
    frames = min(len(fast.motion), len(plain.motion))
    assert frames == pytest.approx(100, abs=1)
    jaws = [reference.motion.jaw[:frames, 0] for reference in (fast, plain)]
    assert np.corrcoef(*jaws)[0, 1] > 0.9


@needs_tracker
def test_one_picture_a_second_is_refused_with_the_number(files: Path) -> None:
    with pytest.raises(ReferenceClipError, match=r"a rate of 1 pictures a second; 12 are needed"):
        track_reference(files / "fps1.mp4")


@needs_tracker
def test_what_stands_on_its_head_is_turned_and_told(files: Path, plain: TrackedReference) -> None:
    turned = track_reference(files / "upside_down.mp4")
    assert "The picture is upside down and was turned." in turned.report.warnings
    frames = min(len(turned.motion), len(plain.motion))
    assert np.corrcoef(turned.motion.jaw[:frames, 0], plain.motion.jaw[:frames, 0])[0, 1] > 0.9


@needs_tracker
def test_a_covered_mouth_is_refused_second_by_second(files: Path) -> None:
    with pytest.raises(ReferenceClipError, match=r"0 to 4 s: mouth covered"):
        track_reference(files / "mouth_covered.mp4")


@needs_tracker
def test_a_long_recording_is_looked_through_without_a_silence(
    files: Path, plain: TrackedReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in this process's own seconds, so that a busy machine is no failure."""
    monkeypatch.setattr(survey, "TRACKED_WHOLE_SECONDS", 2.0)
    monkeypatch.setattr(survey, "STRETCH_SECONDS", 3.0)
    told = [time.process_time()]
    found = track_reference(files / "v.mp4", progress=lambda fraction: told.append(time.process_time()))
    assert "Of 4 s, " in found.report.warnings[0]
    assert float(np.diff([*told, time.process_time()]).max()) < 2.0


@needs_tracker
def test_two_people_beside_each_other_are_asked_for_without_a_model_of_lips(files: Path) -> None:
    with pytest.raises(ReferenceClipError, match=r"shows 2 people") as asked:
        track_reference(files / "side.mp4")
    assert "1 (on the left), 2 (on the right)" in asked.value.hint
    chosen = track_reference(files / "side.mp4", person=2)
    assert "2 people are seen; person 2, on the right, is used." in chosen.report.warnings
    assert chosen.report.seconds == pytest.approx(4.0, abs=0.2)
