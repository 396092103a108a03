# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decoder must survive: holes, jumps and missing timestamps; and long files cost what is asked of them."""

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

from core.audio.decode import load_speech
from core.audio.speech import SAMPLE_RATE
from core.errors import MediaError
from tests.media import babble, lag_seconds, tone, write_audio

pytestmark = pytest.mark.slow


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


def test_a_clock_that_stands_still_tells_nothing(tmp_path: Path) -> None:
    """RealMedia writes one timestamp for a group of blocks."""
    source = babble(3.0)
    path = _write_with_times(tmp_path / "group.mkv", source, [0.25 * (i // 5) for i in range(60)])
    with av.open(str(path)) as container:
        times = [packet.pts for packet in container.demux() if packet.pts is not None]
    assert times[0] == times[4] < times[5]
    speech = load_speech(path)
    np.testing.assert_allclose(speech.samples, source, atol=1e-3)
    assert speech.notes == ()


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
    # in this process's own seconds: a busy machine is no failure
    told: list[tuple[float, float]] = []
    began = time.process_time()
    load_speech(hour, 0.0, 1800.0, progress=lambda fraction: told.append((fraction, time.process_time())))
    assert told
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.5
    moments = np.array([began, *(moment for _, moment in told)])
    assert np.diff(moments).max() < 2.0
