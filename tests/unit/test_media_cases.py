# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decoder must survive: the kinds of files that people bring, each made small on the spot."""

from __future__ import annotations

import resource
import struct
import time
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.audio.decode import list_sound_tracks, load_speech, require_sound
from core.audio.speech import SAMPLE_RATE
from core.errors import MediaError
from core.tracking.video import read_frames
from tests.media import tone, write_audio, write_sounds, write_video

RNG = np.random.default_rng(3)


def babble(seconds: float, rate: int = SAMPLE_RATE, level: float = 0.3) -> np.ndarray:
    """(N,) noise whose level rises and falls four times a second, as syllables do."""
    at = np.arange(round(seconds * rate)) / rate
    envelope = np.clip(np.sin(2 * np.pi * 4 * at + 3 * np.sin(2 * np.pi * 0.7 * at)), 0, None)
    noise = np.convolve(RNG.normal(size=len(at)), np.ones(4) / 2, "same")
    return (np.clip(noise * envelope, -3, 3) / 3 * level).astype(np.float32)


def write_float_wav(path: Path, samples: np.ndarray, rate: int = SAMPLE_RATE) -> Path:
    """(N, C) 32-bit float, which Python's own writer cannot."""
    data = np.atleast_2d(samples.T).T.astype("<f4")
    channels = data.shape[1]
    body = data.tobytes()
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, channels, rate, rate * channels * 4, channels * 4, 32)
    head = struct.pack("<4sI4s", b"RIFF", 28 + len(kind) + len(body), b"WAVE")
    path.write_bytes(head + kind + struct.pack("<4sI", b"data", len(body)) + body)
    return path


def lag_seconds(samples: np.ndarray, source: np.ndarray) -> float:
    """By how much the first is later than the second."""
    size = 1 << (len(samples) + len(source)).bit_length()
    product = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(source, size))
    lag = int(np.fft.irfft(product, size).argmax())
    return (lag if lag < size // 2 else lag - size) / SAMPLE_RATE


# --- channels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 7, 8, 9, 12, 16, 24])
def test_any_count_of_channels_becomes_one_at_full_level(tmp_path: Path, channels: int) -> None:
    source = tone(0.5, 200.0, level=0.9)
    speech = load_speech(write_float_wav(tmp_path / "c.wav", np.repeat(source[:, None], channels, axis=1)))
    np.testing.assert_allclose(speech.samples[100:-100], source[100:-100], atol=2e-3)
    assert speech.notes == ()


@pytest.mark.parametrize("codec", ["flac", "aac", "libopus"])
def test_planar_frames_of_eight_channels_are_read(tmp_path: Path, codec: str) -> None:
    source = tone(1.0, 200.0, 48000, level=0.8)
    name = {"flac": "c.flac", "aac": "c.m4a", "libopus": "c.mka"}[codec]
    path = write_audio(tmp_path / name, np.stack([source] * 8), 48000, codec)
    middle = load_speech(path).samples[4000:12000]
    assert 0.7 < np.abs(middle).max() < 0.9


@pytest.mark.parametrize("spoken", [0, 2, 5])
def test_speech_in_one_of_six_channels_keeps_its_level(tmp_path: Path, spoken: int) -> None:
    samples = np.zeros((8000, 6), np.float32)
    samples[:, spoken] = tone(0.5, 300.0, level=0.6)
    speech = load_speech(write_float_wav(tmp_path / "one.wav", samples))
    assert np.abs(speech.samples[1000:-1000]).max() == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("other", [-1.0, -0.95])
def test_channels_that_cancel_each_other_leave_the_louder_alone_and_it_is_told(tmp_path: Path, other: float) -> None:
    source = babble(2.0)
    speech = load_speech(write_float_wav(tmp_path / "phase.wav", np.stack([source, other * source], axis=1)))
    np.testing.assert_allclose(speech.samples, source, atol=1e-3)
    assert "channels of phase.wav cancel each other; channel 1 is used alone" in speech.notes[0]


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_repaired_and_told(tmp_path: Path, broken: float) -> None:
    source = babble(2.0)
    samples = source.copy()
    samples[20000:20003] = broken
    speech = load_speech(write_float_wav(tmp_path / "broken.wav", samples))
    assert np.abs(speech.samples).max() <= 1.0
    np.testing.assert_allclose(np.delete(speech.samples, np.s_[19990:20013]), np.delete(source, np.s_[19990:20013]))
    assert speech.notes == ("3 samples of broken.wav were no numbers (from 1.25 s on) and were repaired.",)


def test_sound_scaled_like_integers_is_brought_to_full_scale_and_told(tmp_path: Path) -> None:
    speech = load_speech(write_float_wav(tmp_path / "loud.wav", tone(1.0, level=32000.0)))
    assert 0.9 < np.abs(speech.samples).max() <= 1.0
    assert "loud.wav went 3.2e+04 times over full scale" in speech.notes[0]


def test_sound_that_is_mostly_no_numbers_is_refused(tmp_path: Path) -> None:
    samples = np.full(16000, np.nan, np.float32)
    samples[:4000] = tone(0.25)
    with pytest.raises(MediaError, match=r"Most samples of nan\.wav are no numbers \(from 0\.25 s on\)"):
        load_speech(write_float_wav(tmp_path / "nan.wav", samples))


# --- clocks -----------------------------------------------------------------------------------------------------


def _write_with_times(path: Path, samples: np.ndarray, seconds_of_block: list[float], block: int = 800) -> Path:
    """Blocks of 16 kHz sound at chosen times, as PCM in Matroska."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
        for index, seconds in enumerate(seconds_of_block):
            part = samples[index * block : (index + 1) * block]
            frame = av.AudioFrame.from_ndarray((part[None] * 32767).astype(np.int16), format="s16", layout="mono")
            frame.rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
            frame.pts = round(seconds * SAMPLE_RATE)
            for packet in stream.encode(frame):
                container.mux(packet)
    return path


def test_sound_after_a_hole_lies_at_its_own_time(tmp_path: Path) -> None:
    source = babble(4.0)
    times = [0.05 * i + (1.0 if i >= 40 else 0.0) for i in range(80)]
    speech = load_speech(_write_with_times(tmp_path / "hole.mkv", source, times))
    assert speech.seconds == pytest.approx(5.0, abs=0.002)
    np.testing.assert_allclose(speech.samples[:32000], source[:32000], atol=1e-3)
    assert np.abs(speech.samples[32020:47980]).max() == 0.0
    np.testing.assert_allclose(speech.samples[48000:], source[32000:], atol=1e-3)
    assert speech.notes == ("hole.mkv has holes in its sound (1.0 s from 2.00 s on); they are silent.",)


def test_a_lost_block_does_not_move_what_follows(tmp_path: Path) -> None:
    source = babble(4.0)
    # three blocks of 20 ms are lost at different places
    kept = [i for i in range(200) if i not in (30, 90, 150)]
    thinned = np.concatenate([source[i * 320 : (i + 1) * 320] for i in kept])
    path = _write_with_times(tmp_path / "lost.mkv", thinned, [0.02 * i for i in kept], block=320)
    speech = load_speech(path)
    assert abs(lag_seconds(speech.samples[50000:], source[50000:])) < 0.001


def test_a_range_behind_a_hole_is_the_same_as_from_the_whole_file(tmp_path: Path) -> None:
    source = babble(6.0)
    times = [0.05 * i + (1.0 if i >= 40 else 0.0) for i in range(120)]
    path = _write_with_times(tmp_path / "hole.mkv", source, times)
    np.testing.assert_allclose(load_speech(path, 4.0, 5.0).samples, load_speech(path).samples[64000:80000], atol=1e-3)


def test_a_jump_of_an_hour_is_refused_in_a_sentence_and_a_range_before_it_is_read(tmp_path: Path) -> None:
    path = _write_with_times(
        tmp_path / "jump.mkv", babble(4.0), [0.05 * i + (3600.0 if i >= 40 else 0.0) for i in range(80)]
    )
    with pytest.raises(MediaError, match=r"timestamps of jump\.mkv jump from 2\.0 s to 3602\.0 s"):
        load_speech(path)
    assert load_speech(path, 0.0, 2.0).seconds == pytest.approx(2.0, abs=0.002)
    assert load_speech(path, 3602.5, 3603.5).seconds == pytest.approx(1.0, abs=0.002)


def test_a_pause_of_minutes_is_silence(tmp_path: Path) -> None:
    path = _write_with_times(
        tmp_path / "pause.mkv", babble(2.0), [0.05 * i + (120.0 if i >= 20 else 0.0) for i in range(40)]
    )
    assert load_speech(path).seconds == pytest.approx(122.0, abs=0.01)


def test_timestamps_rounded_to_a_millisecond_leave_no_clicks(tmp_path: Path) -> None:
    source = tone(2.0, 300.0, level=0.5)
    # 21.3 ms a block, as AAC has them, never a whole millisecond
    times = [round(i * 341 / SAMPLE_RATE, 3) for i in range(93)]
    speech = load_speech(_write_with_times(tmp_path / "ms.mkv", source, times, block=341))
    np.testing.assert_allclose(speech.samples, source[: len(speech.samples)], atol=1e-3)


@pytest.mark.parametrize("name", ["a.adts", "a.mp3", "a.wav"])
def test_streams_without_timestamps_of_their_own_are_read_whole(tmp_path: Path, name: str) -> None:
    codec = {"a.adts": "aac", "a.mp3": "libmp3lame", "a.wav": "pcm_s16le"}[name]
    source = babble(3.0)
    speech = load_speech(write_audio(tmp_path / name, source[None], SAMPLE_RATE, codec))
    assert speech.seconds == pytest.approx(3.0, abs=0.2)


def test_a_format_that_changes_inside_is_decoded_on(tmp_path: Path) -> None:
    first = write_audio(tmp_path / "1.mp3", tone(2.0, 300.0, 44100)[None], 44100, "libmp3lame")
    second = write_audio(tmp_path / "2.mp3", np.stack([tone(2.0, 500.0, 48000)] * 2), 48000, "libmp3lame")
    path = tmp_path / "joined.mp3"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    speech = load_speech(path)
    assert speech.seconds == pytest.approx(4.0, abs=0.25)
    for middle, hertz in ((1.0, 300), (3.0, 500)):
        part = speech.samples[round(middle * SAMPLE_RATE) :][:8000]
        assert np.abs(np.fft.rfft(part)).argmax() * 2 == pytest.approx(hertz, abs=4)


# --- tracks and tags --------------------------------------------------------------------------------------------


def test_the_default_track_is_taken_and_told(tmp_path: Path) -> None:
    path = write_sounds(tmp_path / "two.mkv", [tone(3.0, 440.0, level=0.2), babble(3.0)], default=[1])
    speech = load_speech(path)
    assert speech.notes == (
        "two.mkv has 2 sound tracks; track 2 is used (the file's default). Another can be chosen.",
    )


@pytest.mark.parametrize("default", [[], [0, 1, 2], [0]])
def test_without_a_default_that_sounds_the_track_with_speech_is_taken(tmp_path: Path, default: list[int]) -> None:
    spoken = babble(4.0)
    sounds = [np.zeros(64000, np.float32), tone(4.0, 440.0, level=0.3), spoken]
    speech = load_speech(write_sounds(tmp_path / "three.mkv", sounds, default=default))
    assert abs(lag_seconds(speech.samples, spoken)) < 0.002
    assert "track 3 is used (the one most like speech)" in speech.notes[0]


def test_a_track_can_be_chosen_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    sounds = [tone(1.0, 300.0), tone(1.0, 600.0)]
    path = write_sounds(tmp_path / "two.mkv", sounds, default=[1])
    assert [track.number for track in list_sound_tracks(path)] == [1, 2]
    assert lag_seconds(load_speech(path, track=1).samples, sounds[0]) == pytest.approx(0.0, abs=0.01)
    assert load_speech(path, track=1).notes == ()
    with pytest.raises(MediaError, match=r"two\.mkv has 2 sound tracks; there is no track 3"):
        load_speech(path, track=3)


def test_tags_that_are_not_utf8_never_matter(tmp_path: Path) -> None:
    body = write_audio(tmp_path / "plain.mp3", tone(1.0)[None], SAMPLE_RATE, "libmp3lame").read_bytes()
    title = "Szene fünf".encode("latin-1")
    frame = b"TIT2" + (len(title) + 1).to_bytes(4, "big") + b"\0\0\3" + title
    path = tmp_path / "tag.mp3"
    path.write_bytes(b"ID3\3\0\0" + bytes([0, 0, 0, len(frame)]) + frame + body)
    assert load_speech(path).seconds == pytest.approx(1.0, abs=0.1)


# --- long files -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of stereo at 48 kHz: 690 MB, of which only the header and one minute take disk space."""
    path = tmp_path_factory.mktemp("hour") / "hour.wav"
    minute = (babble(60.0, 48000) * 32767).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.setnframes(3600 * 48000)
        file.writeframesraw(b"")
    with path.open("r+b") as raw:
        raw.seek(4)
        raw.write(struct.pack("<I", 36 + 3600 * 48000 * 4))
        raw.seek(40)
        raw.write(struct.pack("<I", 3600 * 48000 * 4))
        raw.seek(44 + 3480 * 48000 * 4)
        raw.write(np.repeat(minute[:, None], 2, axis=1).tobytes())
        raw.truncate(44 + 3600 * 48000 * 4)
    return path


def test_five_seconds_of_an_hour_cost_five_seconds(hour: Path, tmp_path: Path) -> None:
    short = write_audio(tmp_path / "short.wav", babble(5.0, 48000)[None], 48000, "pcm_s16le")
    load_speech(short)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    load_speech(short)
    alone = time.process_time() - began
    began = time.process_time()
    speech = load_speech(hour, 3500.0, 3505.0)
    took = time.process_time() - began
    assert speech.seconds == pytest.approx(5.0, abs=1e-3)
    assert np.abs(speech.samples).max() > 0.1
    assert took < alone + 0.3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 44100),
        ("a.flac", "flac", 44100),
        ("a.mp3", "libmp3lame", 44100),
        ("a.ogg", "libopus", 48000),
        ("a.m4a", "aac", 44100),
        ("a.mkv", "aac", 48000),
        ("a.adts", "aac", 48000),
        ("a.ts", "aac", 48000),
        ("a.avi", "libmp3lame", 44100),
    ],
)
def test_seeking_gives_the_same_samples_as_reading_on(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    low = np.convolve(babble(20.0, rate, 1.0), np.hanning(rate // 500) / (rate // 1000), "same")
    path = write_audio(tmp_path / name, low[None], rate, codec)
    whole = load_speech(path).samples[14 * SAMPLE_RATE : 16 * SAMPLE_RATE]
    part = load_speech(path, 14.0, 16.0).samples
    assert len(part) == len(whole)
    assert abs(lag_seconds(part, whole)) < 0.001
    # a run of samples begins at a whole sample of the target, up to 1/32,000 s from where it was
    assert np.sqrt(((part - whole) ** 2).mean()) < 0.1 * np.sqrt((whole**2).mean())


def test_reading_tells_its_progress(hour: Path) -> None:
    told: list[tuple[float, float]] = []
    began = time.monotonic()
    load_speech(hour, 0.0, 1800.0, progress=lambda fraction: told.append((fraction, time.monotonic())))
    assert told
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.5
    moments = np.array([began, *(moment for _, moment in told)])
    assert np.diff(moments).max() < 2.0


# --- damage -----------------------------------------------------------------------------------------------------

FORMATS = {"a.wav": "pcm_s16le", "a.flac": "flac", "a.mp3": "libmp3lame", "a.ogg": "libopus", "a.m4a": "aac"}


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_cut_and_empty_sound_gives_samples_or_one_sentence(tmp_path: Path, name: str) -> None:
    whole = write_audio(tmp_path / name, babble(2.0)[None], 48000 if name == "a.ogg" else 16000, FORMATS[name])
    raw = whole.read_bytes()
    for trial in range(24):
        damaged = bytearray(raw)
        if trial % 3 == 0:
            damaged = damaged[: int(len(raw) * RNG.random())]
        elif trial % 3 == 1:
            for at in RNG.integers(0, len(raw), 20):
                damaged[at] = int(RNG.integers(256))
        else:
            at = int(RNG.integers(0, len(raw)))
            damaged[at : at + 500] = bytes(min(500, len(raw) - at))
        path = tmp_path / f"{trial}{whole.suffix}"
        path.write_bytes(damaged)
        _reads_or_says_why(path, lambda path: load_speech(path).samples)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_damaged_cut_and_empty_video_gives_frames_or_one_sentence(tmp_path: Path, name: str) -> None:
    frames = [np.full((64, 96, 3), 2 * i, np.uint8) for i in range(50)]
    whole = write_video(tmp_path / name, frames, sound=tone(2.0))
    raw = whole.read_bytes()
    for trial in range(12):
        damaged = bytearray(raw)
        if trial % 2 == 0:
            damaged = damaged[: int(len(raw) * RNG.random())]
        else:
            for at in RNG.integers(0, len(raw), 20):
                damaged[at] = int(RNG.integers(256))
        path = tmp_path / f"{trial}{whole.suffix}"
        path.write_bytes(damaged)
        _reads_or_says_why(path, lambda path: np.array([frame.seconds for frame in read_frames(path)]))
        _reads_or_says_why(path, lambda path: load_speech(path).samples)


def _reads_or_says_why(path: Path, read) -> None:  # type: ignore[no-untyped-def]
    try:
        assert np.isfinite(read(path)).all()
    except MediaError as error:
        assert path.name in error.message
        assert error.hint
        assert "Errno" not in str(error)


def test_empty_files_folders_and_other_files_are_refused_in_our_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    with pytest.raises(MediaError, match=r"empty\.wav is empty \(0 bytes\)"):
        load_speech(empty)
    with pytest.raises(MediaError, match="is a folder"):
        load_speech(tmp_path)
    text = tmp_path / "notes.mp3"
    text.write_text("no sound at all " * 100)
    with pytest.raises(MediaError, match=r"notes\.mp3") as refused:
        load_speech(text)
    assert "Invalid data" not in str(refused.value)


# --- picture ----------------------------------------------------------------------------------------------------


def _grey(level: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(4, 3), (48, 85)), (Fraction(3, 4), (64, 64))])
def test_pixels_that_are_not_square_are_made_square(tmp_path: Path, aspect: Fraction, shape: tuple[int, int]) -> None:
    path = write_video(tmp_path / "sar.mp4", [_grey(90)] * 3, pixel_aspect=aspect)
    assert next(read_frames(path)).rgb.shape[:2] == shape


def test_a_cover_picture_is_skipped(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", [_grey(i) for i in range(50)])
    path = _with_cover(video, tmp_path / "cover.mkv")
    with av.open(str(path)) as container:
        assert any(stream.disposition & av.stream.Disposition.attached_pic for stream in container.streams.video)
    assert len(list(read_frames(path))) == 50


def test_a_cover_alone_is_no_video(tmp_path: Path) -> None:
    sound = write_audio(tmp_path / "s.mp3", tone(1.0)[None], 16000, "libmp3lame").read_bytes()
    with av.open(str(tmp_path / "c.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(_grey(90), format="rgb24")))
    picture = (tmp_path / "c.png").read_bytes()
    body = b"\0image/png\0\3\0" + picture
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes([(len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0)])
    path = tmp_path / "cover.mp3"
    path.write_bytes(b"ID3\3\0\0" + size + frame + sound)
    with pytest.raises(MediaError, match=r"cover\.mp3 has only a cover picture"):
        next(read_frames(path))
    assert load_speech(path).seconds == pytest.approx(1.0, abs=0.1)


def test_raw_video_without_timestamps_has_its_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "raw.h264", [_grey(2 * i) for i in range(50)])
    seconds = np.array([frame.seconds for frame in read_frames(path)])
    assert len(seconds) == 50
    np.testing.assert_allclose(np.diff(seconds), 0.04, atol=1e-3)


def test_a_range_after_a_long_stretch_without_keyframes_has_every_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", [_grey(i % 200) for i in range(400)])
    seconds = [frame.seconds for frame in read_frames(path, 12.0, 12.4)]
    np.testing.assert_allclose(seconds, np.arange(300, 310) / 25, atol=0.002)


def test_a_jump_in_the_picture_of_an_hour_is_refused(tmp_path: Path) -> None:
    times = [i / 25 + (3600.0 if i >= 25 else 0.0) for i in range(50)]
    path = write_video(tmp_path / "jump.mkv", [_grey(i) for i in range(50)], times=times)
    with pytest.raises(MediaError, match=r"jump\.mkv jump from 1\.0 s to 3601\.0 s; no picture"):
        list(read_frames(path))
    assert len(list(read_frames(path, 0.0, 1.0))) == 25


def _with_cover(video: Path, path: Path) -> Path:
    """Remux with a cover picture that is larger than the video."""
    with av.open(str(path.with_suffix(".jpg")), "w", format="image2") as single:
        stream = single.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        single.mux(stream.encode(av.VideoFrame.from_ndarray(_grey(200, (480, 640)), format="rgb24")))
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        target.add_attachment("cover.jpg", "image/jpeg", path.with_suffix(".jpg").read_bytes())
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def test_require_sound_still_refuses_silence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is silent"):
        require_sound(load_speech(write_float_wav(tmp_path / "z.wav", np.zeros(16000, np.float32))))
